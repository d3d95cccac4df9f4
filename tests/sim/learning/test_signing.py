"""Goods that are only measured on get signatures from scans of single pieces, made once and kept."""

from pathlib import Path

import pytest

from sim.families import Pool, pool_goods
from sim.learning import signing
from sim.learning.cli import MODELS
from sim.learning.signing import scan_one, signatures_of
from vision.pipeline import Pipeline
from vision.signatures import SCANS_MIN, load_signatures


def test_goods_of_the_catalogue_have_their_shipped_signatures(tmp_path: Path) -> None:
    assert signatures_of(Pool.CATALOGUE, MODELS, tmp_path, 1, lambda _: None) == MODELS


def test_held_out_goods_are_scanned_once_and_weigh_what_the_bench_scale_showed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goods = pool_goods(Pool.HELD_OUT)[::40]
    monkeypatch.setattr(signing, "pool_goods", lambda _: goods)
    told: list[int] = []
    path = signatures_of(Pool.HELD_OUT, MODELS, tmp_path, 1, told.append, SCANS_MIN)
    found = load_signatures(path)
    assert sorted(found.goods) == sorted(one.sku for one in goods)
    assert found.knowledge == load_signatures(MODELS).knowledge
    for one in goods:
        assert found.goods[one.sku].unit_mg == pytest.approx(one.unit_mg, rel=0.02)
        assert found.goods[one.sku].unit_mg != one.unit_mg
        assert len(found.goods[one.sku].scans) == SCANS_MIN
    assert Pipeline.load(path).signatures.version == found.version
    assert told == list(range(len(goods) + 1))
    told.clear()
    assert signatures_of(Pool.HELD_OUT, MODELS, tmp_path, 1, told.append, SCANS_MIN) == path
    assert told == [len(goods)]
    alone = scan_one(goods[0], SCANS_MIN)
    assert alone.scans == found.goods[goods[0].sku].scans, "scans depend on what else is scanned"
