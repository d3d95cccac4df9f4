"""Everything that makes a rendered picture more or less like a real one, in one place, and a ladder of severities.

Severity 1 is the demo lane's detector; the figures of a laboratory's dual-layer line array with a 150 kV tube. Higher
severities are worse in every respect at once; spectra, pitch and noise of 4 and 5 are outside what a model or a
signature of this lane has ever been made with.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Realism:
    """Parameters of detector, tube, belt, carton and packing of one scan.

    ``photons_air``: photons per pixel in air, low and high channel. ``noise_counts``: electronic noise, one sigma, of
    55,000 counts full scale. ``blur_side``: outer weight of the three-tap line spread (0.138 is a Gaussian of 0.55
    pixels). ``afterglow``: share of a line's light that comes one and two lines late. ``scatter_floor``: share of a
    line's mean that reaches every pixel. ``gain_spread``: relative spread of column gains, known from the air rows;
    ``gain_drift``: since those were taken. ``tube_drift``: relative spread of the tube's output from scan to scan.
    ``dead_columns``: how many give nothing. ``line_mm``: belt travel between two lines, a whole number of 0.1 mm.
    ``kilovolt``: which spectrum's table makes the picture (vision goes on inverting with its own).
    ``filler_cells``, ``filler_roughness``: nodes per side and relative spread of the filler's low-frequency field;
    ``filler_factor``, ``board_factor``: mass of filler and carton over the nominal one. ``lying_share``,
    ``skew_share``: shares of pieces off their usual rest pose, and at an arbitrary angle.
    """

    photons_air: tuple[float, float] = (60_000.0, 90_000.0)
    noise_counts: float = 6.0
    blur_side: float = 0.138
    afterglow: tuple[float, float] = (0.008, 0.003)
    scatter_floor: float = 0.004
    gain_spread: float = 0.003
    gain_drift: float = 0.0003
    tube_drift: float = 0.003
    dead_columns: int = 1
    line_mm: float = 1.2
    kilovolt: int = 150
    filler_cells: int = 6
    filler_roughness: float = 0.3
    filler_factor: float = 1.0
    board_factor: float = 1.0
    lying_share: float = 0.12
    skew_share: float = 0.3


STANDARD = Realism()
"""The demo lane's detector and packer."""

SEVERITY: dict[int, Realism] = {
    1: STANDARD,
    2: Realism(
        photons_air=(40_000.0, 60_000.0), noise_counts=8.0, blur_side=0.16, gain_drift=0.0006, tube_drift=0.005,
        dead_columns=2, filler_roughness=0.4, filler_factor=1.15, lying_share=0.16, skew_share=0.4,
    ),
    3: Realism(
        photons_air=(25_000.0, 38_000.0), noise_counts=12.0, blur_side=0.19, afterglow=(0.012, 0.005),
        scatter_floor=0.008, gain_spread=0.005, gain_drift=0.001, tube_drift=0.008, dead_columns=3, kilovolt=145,
        filler_cells=8, filler_roughness=0.5, filler_factor=1.4, board_factor=1.15, lying_share=0.22, skew_share=0.55,
    ),
    4: Realism(
        photons_air=(14_000.0, 21_000.0), noise_counts=18.0, blur_side=0.21, afterglow=(0.018, 0.007),
        scatter_floor=0.014, gain_spread=0.008, gain_drift=0.0018, tube_drift=0.012, dead_columns=5, line_mm=1.4,
        kilovolt=130, filler_cells=10, filler_roughness=0.6, filler_factor=1.7, board_factor=1.3, lying_share=0.3,
        skew_share=0.7,
    ),
    5: Realism(
        photons_air=(5_000.0, 7_500.0), noise_counts=28.0, blur_side=0.24, afterglow=(0.025, 0.010),
        scatter_floor=0.022, gain_spread=0.012, gain_drift=0.003, tube_drift=0.02, dead_columns=8, line_mm=1.8,
        kilovolt=170, filler_cells=12, filler_roughness=0.7, filler_factor=2.2, board_factor=1.5, lying_share=0.4,
        skew_share=1.0,
    ),
}  # fmt: skip
"""Severities 1 (the demo lane) to 5."""
