"""The looks of `check` at the open page: what only running shows. One module for each subject.

`look.py` moves the page through the video once and notes what it shows; the others say what is wrong with that.
"""

from hyperframes_render.render.looks.look import PageLook, look_at_page

__all__ = ["PageLook", "look_at_page"]
