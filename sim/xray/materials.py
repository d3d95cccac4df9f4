"""Each material as two basis materials: mass attenuation = c x polyethylene + p x iron.

Printed by ``sim/xray/make_tables.py`` (its docstring names the sources); within 1.5 % over 35-150 keV but for brass and
electronics (5 %), whose copper and tin edges two bases cannot follow.
"""

BASIS_SHARES: dict[str, tuple[float, float]] = {
    "steel": (0.0088, 0.9900),
    "aluminium": (0.7464, 0.1099),
    "glass": (0.7830, 0.0999),
    "hdpe": (1.0000, 0.0000),
    "film": (1.0000, 0.0000),
    "abs": (0.9443, 0.0014),
    "board": (0.9175, 0.0135),
    "paper": (0.8848, 0.0400),
    "powder": (0.9290, 0.0142),
    "tablets": (0.8505, 0.0733),
    "oil": (0.9779, 0.0022),
    "cream": (0.9630, 0.0109),
    "toothpaste": (0.8900, 0.0525),
    "honey": (0.9338, 0.0099),
    "chocolate": (0.9370, 0.0100),
    "rubber": (0.8911, 0.0654),
    "textile": (0.9106, 0.0065),
    "brass": (-0.2658, 1.4099),
    "electronics": (0.5343, 0.5052),
    "battery": (0.4822, 0.4781),
    "copper wire": (0.3142, 0.6935),
    "stone": (0.7704, 0.1144),
    "ceramic": (0.7846, 0.0966),
    "wax": (1.0052, -0.0001),
    "leather": (0.9252, 0.0137),
    "wood": (0.9242, 0.0088),
    "water": (0.9627, 0.0136),
    "salt": (0.6699, 0.1879),
    "pvc": (0.8067, 0.1183),
}
"""(g/cm2 of polyethylene, g/cm2 of iron) per g/cm2 of the material."""
