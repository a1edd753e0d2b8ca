"""The whole stack on this machine: the template is deployed to an emulator that listens on loopback only.

serve.py       the steps of `hyperframes-render serve`
parts.py       the paths of the programs that `make setup` installs
deploy.py      template.yaml → sam package → sam deploy
folders.py     synchronizes DIR/inbox and DIR/outbox with the bucket
processes.py   starts and ends process trees
emulator/      the emulator's program, which runs in a separate Python environment
"""
