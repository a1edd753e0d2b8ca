"""The conversion of HDR and BT.2020 videos to BT.709.

Only for videos that need it: NumPy is large.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np

from hyperframes_render.media.colour import WideColours

#: Luminance (cd/m2) of the linear value 1.0, and of the brightest value that is kept.
_REFERENCE, _PEAK = 100.0, 1000.0
#: Values along each side of the colour table.
_TABLE_SIZE = 65
#: Linear BT.2020 to linear BT.709 (ITU-R BT.2087).
_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
)


def to_bt709(colours: np.ndarray, kind: WideColours) -> np.ndarray:
    """RGB of a wide video as RGB of SDR video. Both have the shape (..., 3), values 0 to 1, with their transfers.

    The same as ffmpeg's "zscale=t=linear:npl=100,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709". HLG is shown on
    a display of 1000 cd/m2 with its system gamma of 1.2. As in zscale, red, green and blue get it each;
    ITU-R BT.2100 applies it to the luminance, which makes saturated colours paler.
    """
    if kind is WideColours.PQ:
        linear = _pq(colours) * 10_000 / _REFERENCE
    elif kind is WideColours.HLG:
        linear = _hlg(colours) ** 1.2 * _PEAK / _REFERENCE
    else:
        linear = colours**2.4
    linear = linear @ _TO_BT709.T
    if kind is not WideColours.SDR:
        brightest = np.maximum(linear.max(axis=-1, keepdims=True), 1e-6)
        linear = linear * (_hable(brightest) / _hable(np.array(_PEAK / _REFERENCE))) / brightest
    return np.asarray(np.clip(linear, 0, 1) ** (1 / 2.4))


def _pq(values: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084: signal 0 to 1 to luminance, 1.0 for 10,000 cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = values ** (1 / m2)
    return np.asarray((np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1))


def _hlg(values: np.ndarray) -> np.ndarray:
    """ARIB STD-B67: signal 0 to 1 to linear light of the scene, 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)


def _hable(values: np.ndarray) -> np.ndarray:
    """Hable's filmic curve with the constants of ffmpeg's tonemap filter."""
    top = values * (values * 0.15 + 0.05) + 0.004
    return np.asarray(top / (values * (values * 0.15 + 0.50) + 0.06) - 0.004 / 0.06)


@lru_cache(maxsize=3)
def _table(kind: WideColours) -> str:
    """The conversion as a colour table in the .cube format: red changes fastest."""
    steps = np.linspace(0, 1, _TABLE_SIZE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    values = to_bt709(np.stack([red, green, blue], axis=-1).reshape(-1, 3), kind)
    rows = "\n".join(map("%.6f %.6f %.6f".__mod__, map(tuple, values.tolist())))
    return f"LUT_3D_SIZE {_TABLE_SIZE}\n{rows}\n"


class ColourConversion:
    """Converts planar RGB frames (16 bits, one size) to BT.709. Not for several threads at once."""

    def __init__(self, kind: WideColours, frame: av.VideoFrame) -> None:
        """`frame` has the size and the format (gbrp16le or gbrap16le) of all frames."""
        self._graph = av.filter.Graph()
        with tempfile.NamedTemporaryFile("w", suffix=".cube") as table:
            table.write(_table(kind))
            table.flush()
            self._graph.link_nodes(
                self._graph.add_buffer(
                    width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25)
                ),
                self._graph.add("lut3d", file=table.name, interp="tetrahedral"),
                self._graph.add("buffersink"),
            ).configure()

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame in BT.709, in the same format."""
        self._graph.push(frame)
        converted = self._graph.pull()
        assert isinstance(converted, av.VideoFrame)
        return converted
