"""The emulator's process: MiniStack for the services, AWS's own runtime emulator for every function.

Runs in an environment of its own (its packages clash with others') and imports of this package only what needs no
package at all. What it changes in MiniStack, and why: docs/guides/local.md lists each under the name used in shims.py.
"""
