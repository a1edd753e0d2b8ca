"""The whole stack on this machine: the deployed template, in an emulator bound to loopback.

serve.py       what `hyperframes-render serve` does, step by step
parts.py       where the parts that `make setup` installs are
deploy.py      template.yaml → sam package → sam deploy
folders.py     DIR/inbox and DIR/outbox as the bucket's inbox/ and outbox/
processes.py   children that end with their parent
emulator/      the program that runs inside the emulator's own Python environment
"""
