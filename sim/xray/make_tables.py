"""Recipe of ``config/models/basis.npz`` and of the coefficients in ``sim/xray/materials.py``.

Run in an environment of its own: ``pip install xraydb spekpy numpy scipy`` and then
``python sim/xray/make_tables.py config/models/basis.npz`` for the demo lane's 150 kV, or with another tube voltage
``python sim/xray/make_tables.py config/models/basis-140.npz 140``. Neither package is needed at run time.

Sources: attenuation xraydb (Elam, Ravel and Sieber 2002, Radiat. Phys. Chem. 63, 121); spectra spekpy (Poludniowski
et al. 2021, Med. Phys. 48, 3630). Tungsten anode, 12 degrees, 3 mm Al + 0.3 mm Cu. Sandwich detector, energy
integrating: 0.35 mm CsI, 0.6 mm Cu between, 4 mm CsI.
"""

import importlib
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

KILOVOLT = 150.0
"""The demo lane's tube."""
C_MAX, P_MAX = 60.0, 30.0
"""Ends of the grid in g/cm2 of polyethylene and iron: beyond them no usable signal is left."""
C_STEPS, P_STEPS = 200, 160

COMPOSITIONS: dict[str, dict[str, float]] = {
    "polyethylene": {"C": 85.6, "H": 14.4},
    "iron": {"Fe": 100},
    "steel": {"Fe": 99, "C": 1},
    "aluminium": {"Al": 100},
    "glass": {"Si": 34, "O": 46, "Na": 10, "Ca": 7, "Mg": 2, "Al": 1},
    "hdpe": {"C": 85.6, "H": 14.4},
    "film": {"C": 85.6, "H": 14.4},
    "abs": {"C": 86, "H": 8, "N": 6},
    "board": {"C": 43, "H": 6, "O": 50, "Ca": 1},
    "paper": {"C": 36, "H": 5, "O": 51, "Ca": 6, "Al": 1, "Si": 1},
    "powder": {"C": 52, "H": 7.5, "O": 35.5, "N": 3, "Ca": 0.8, "K": 0.8, "P": 0.4},
    "tablets": {"C": 30, "H": 4.5, "O": 49, "Ca": 13, "Mg": 3.5},
    "oil": {"C": 76, "H": 12, "O": 12},
    "cream": {"C": 19, "H": 11, "O": 70},
    "toothpaste": {"C": 12, "H": 7, "O": 62, "Si": 12, "Ca": 5, "Na": 2},
    "honey": {"C": 33, "H": 7.5, "O": 59.5},
    "chocolate": {"C": 56, "H": 8, "O": 34, "N": 1, "K": 1},
    "rubber": {"C": 66, "H": 8, "O": 12, "Si": 9, "Zn": 3, "S": 2},
    "textile": {"C": 62.5, "H": 4.5, "O": 33},
    "brass": {"Cu": 63, "Zn": 37},
    "electronics": {"Cu": 18, "Fe": 12, "Al": 12, "Si": 14, "O": 22, "C": 18, "H": 2, "Sn": 2},
    "battery": {"Co": 16, "Ni": 4, "Cu": 9, "Al": 14, "C": 26, "O": 18, "Fe": 11, "H": 2},
    "copper wire": {"Cu": 45, "C": 21, "H": 3, "Cl": 31},
    "stone": {"O": 48.5, "Si": 33, "Al": 7.5, "K": 3.5, "Na": 2.7, "Fe": 2.5, "Ca": 1.8, "Mg": 0.5},
    "ceramic": {"O": 49, "Si": 30, "Al": 16, "K": 3, "Fe": 1, "Ca": 1},
    "wax": {"C": 85, "H": 15},
    "leather": {"C": 50, "H": 7, "O": 25, "N": 17, "Cr": 1},
    "wood": {"C": 49.5, "H": 6.3, "O": 44, "Ca": 0.2},
    "water": {"H": 11.2, "O": 88.8},
    "salt": {"Na": 39.3, "Cl": 60.7},
    "pvc": {"C": 48, "H": 6, "Cl": 38, "O": 5, "Ca": 3},
}
"""Mass per cent of the elements, from usual product data; rounded on purpose."""


def attenuation(xraydb: Any, composition: dict[str, float], energy_ev: Array) -> Array:
    """Mass attenuation coefficient in cm2/g of a mixture."""
    whole = sum(composition.values())
    parts = [share / whole * np.asarray(xraydb.mu_elam(element, energy_ev)) for element, share in composition.items()]
    return np.asarray(np.sum(parts, axis=0))


def main(out: str, kilovolt: float = KILOVOLT) -> None:
    """Write the forward table and print the material coefficients."""
    xraydb, spekpy = importlib.import_module("xraydb"), importlib.import_module("spekpy")
    tube = spekpy.Spek(kvp=kilovolt, th=12)
    tube.filter("Al", 3)
    tube.filter("Cu", 0.3)
    energy_kev, fluence = tube.get_spectrum()
    keep = energy_kev > 15
    energy_ev, fluence = energy_kev[keep] * 1000, fluence[keep]
    csi = attenuation(xraydb, {"Cs": 132.9, "I": 126.9}, energy_ev) * 4.51
    copper = attenuation(xraydb, {"Cu": 1}, energy_ev) * 8.96
    low_weight = fluence * energy_ev * (1 - np.exp(-csi * 0.035))
    high_weight = fluence * energy_ev * np.exp(-csi * 0.035 - copper * 0.06) * (1 - np.exp(-csi * 0.4))
    mu = {name: attenuation(xraydb, parts, energy_ev) for name, parts in COMPOSITIONS.items()}
    c_grid = C_MAX * np.linspace(0, 1, C_STEPS) ** 2
    p_grid = P_MAX * np.linspace(0, 1, P_STEPS) ** 2
    low, high = np.empty((C_STEPS, P_STEPS)), np.empty((C_STEPS, P_STEPS))
    for row, c in enumerate(c_grid):
        through = np.exp(-c * mu["polyethylene"][None, :] - p_grid[:, None] * mu["iron"][None, :])
        low[row] = -np.log(through @ low_weight / low_weight.sum())
        high[row] = -np.log(through @ high_weight / high_weight.sum())
    np.savez_compressed(
        out, low=low.astype(np.float32), high=high.astype(np.float32), c_max=np.float32(C_MAX), p_max=np.float32(P_MAX)
    )
    weight = np.sqrt((low_weight / low_weight.sum() + high_weight / high_weight.sum()) / 2)
    basis = np.stack([mu["polyethylene"], mu["iron"]], axis=1) * weight[:, None]
    for name, curve in mu.items():
        (c, p), *_ = np.linalg.lstsq(basis, curve * weight, rcond=None)
        worst = np.max(np.abs(basis @ [c, p] / (curve * weight) - 1)[(energy_ev > 35e3)])
        print(f'    "{name}": ({c:.4f}, {p:.4f}),  # worst {100 * worst:.1f} % above 35 keV')


if __name__ == "__main__":
    main(sys.argv[1], *(float(word) for word in sys.argv[2:]))
