"""The emulator's program: MiniStack for the services, AWS's Runtime Interface Emulator (RIE) for every function.

It runs in a separate Python environment, because its packages conflict with those of the renderer. From
hyperframes_render it imports only modules that need no installed package. shims.py changes MiniStack;
docs/guides/local.md lists each change with its reason.
"""
