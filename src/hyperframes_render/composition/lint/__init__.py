"""The static checks: what the files of a project say that will not come out as meant. Nothing of it is run.

Codes are those of the official `lint` where it has the same rule. Only faults that change an image or a sound here are
looked for; matters of taste and of other tools are not.
"""

from hyperframes_render.composition.lint.page import lint
from hyperframes_render.composition.lint.project import lint_project
from hyperframes_render.problems import Patch, Problem, Severity

__all__ = ["Patch", "Problem", "Severity", "lint", "lint_project"]
