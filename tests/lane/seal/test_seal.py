"""Sealed epochs: files of one user, a queue that survives restarts, no secret before its time."""

import os
from pathlib import Path

import pytest

from lane.draw import commitment, derived_nonce, epoch_key
from lane.inputs import EpochCommitted, EpochNonce
from lane.journal.projections import EpochEntry, EpochState
from lane.model.words import Design, LaneKind
from lane.seal import QUEUE_LENGTH, Seal, SealError, SigningKey, keys_folder, sealed_key
from tests.lane.journal_items import LANE, SITE

AT = {"at_us": 1, "belt_um": 2}
DIGITS = "20237331128159211123"


def live(keys: Path) -> Seal:
    return Seal(keys, site=SITE, lane=LANE, kind=LaneKind.LIVE)


def twin(keys: Path | None, seed: int = 5) -> Seal:
    return Seal(keys, site=SITE, lane=LANE, kind=LaneKind.TWIN, twin_seed=seed)


def entries(*inputs: EpochCommitted | EpochNonce, opened: int = 0, closed: int = 0) -> list[EpochEntry]:
    """The journal's ledger after these inputs."""
    rows: dict[int, EpochEntry] = {}
    for item in inputs:
        if isinstance(item, EpochCommitted):
            rows[item.epoch] = EpochEntry(
                epoch=item.epoch, state=EpochState.COMMITTED, commitment=item.commitment, nonce="", committed_index=0
            )
        else:
            state = EpochState.READY
            state = EpochState.OPEN if item.epoch == opened else state
            state = EpochState.CLOSED if item.epoch == closed else state
            rows[item.epoch] = EpochEntry(
                epoch=item.epoch,
                state=state,
                commitment=rows[item.epoch].commitment,
                nonce=item.nonce,
                committed_index=0,
            )
    return list(rows.values())


def started(seal: Seal) -> list[EpochCommitted | EpochNonce]:
    """A fresh queue with one typed nonce, as the journal's inputs."""
    committed = seal.start([], **AT)
    return [*committed, *seal.enter_for_all(DIGITS, by="wang", **AT)]


def open_next(seal: Seal) -> tuple[int, bytes]:
    opened = seal.open_next(rate="0.055", design=Design.RATE_HELD, config_sha256="", build_sha256="", **AT)
    return opened.epoch, opened.key


def test_a_fresh_lane_commits_eight_epochs_ahead(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    committed = seal.start([], **AT)
    assert [item.epoch for item in committed] == list(range(1, QUEUE_LENGTH + 1))
    assert len({item.commitment for item in committed}) == QUEUE_LENGTH
    assert seal.ready == 0
    assert seal.without_nonce == tuple(range(1, QUEUE_LENGTH + 1))
    with pytest.raises(SealError, match="no draw epoch is ready"):
        open_next(seal)


def test_one_typed_nonce_serves_the_whole_queue_and_stands_in_the_record(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    committed = seal.start([], **AT)
    nonces = seal.enter_for_all(DIGITS, by="wang", **AT)
    assert seal.ready == QUEUE_LENGTH
    for item, bound in zip(nonces, committed, strict=True):
        assert item.source == f"typed:{DIGITS}"
        assert item.nonce == derived_nonce(bytes.fromhex(bound.commitment), bytes.fromhex(DIGITS)).hex()


def test_digits_for_one_epoch_are_packed(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    seal.start([], **AT)
    item = seal.enter_digits(3, DIGITS, by="wang", **AT)
    assert (item.epoch, item.nonce, item.source, item.by) == (3, DIGITS, "dice", "wang")
    with pytest.raises(SealError, match="wait for a nonce"):
        seal.enter_digits(3, DIGITS, by="wang", **AT)
    with pytest.raises(ValueError, match="20 decimal digits"):
        seal.enter_digits(4, "123", by="wang", **AT)
    assert open_next(seal)[0] == 3


def test_the_key_follows_from_reveal_and_records_alone(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    committed = seal.start([], **AT)
    nonces = seal.enter_for_all(DIGITS, by="wang", **AT)
    epoch, key = open_next(seal)
    with pytest.raises(SealError, match="reveal it first"):
        open_next(seal)
    revealed = seal.reveal(epoch, 7, **AT)
    bound = commitment(SITE, LANE, epoch, bytes.fromhex(revealed.salt), bytes.fromhex(revealed.secret))
    assert bound.hex() == committed[0].commitment
    assert epoch_key(bytes.fromhex(revealed.secret), bound, bytes.fromhex(nonces[0].nonce)) == key
    assert revealed.draws == 7
    seal.forget(epoch)
    assert open_next(seal)[0] == 2


def test_key_files_are_private_and_gone_after_the_reveal(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    seal = live(keys)
    seal.start([], **AT)
    files = sorted((keys / "draw").iterdir())
    assert len(files) == QUEUE_LENGTH
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (keys, keys / "draw")} == {0o700}
    seal.enter_for_all(DIGITS, by="wang", **AT)
    epoch, _ = open_next(seal)
    seal.reveal(epoch, 0, **AT)
    seal.forget(epoch)
    assert not files[0].exists()
    assert files[1].exists()


def test_a_restart_goes_on_with_the_open_epoch_and_the_same_queue(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    seal = live(keys)
    records = started(seal)
    epoch, key = open_next(seal)
    again = live(keys)
    fresh = again.start(entries(*records, opened=epoch), **AT)
    assert again.open_epoch == epoch
    assert again.resume(epoch) == key
    nonce = next(item.nonce for item in records if isinstance(item, EpochNonce) and item.epoch == epoch)
    assert sealed_key(keys, site=SITE, lane=LANE, epoch=epoch, nonce=bytes.fromhex(nonce)) == key
    assert again.ready == QUEUE_LENGTH - 1
    assert [item.epoch for item in fresh] == [QUEUE_LENGTH + 1]


def test_ten_restarts_never_wait_for_a_nonce_on_a_twin(tmp_path: Path) -> None:
    records: list[EpochCommitted | EpochNonce] = []
    for restart in range(1, 11):
        seal = twin(tmp_path / "keys")
        ledger = {entry.epoch: entry for entry in entries(*records, opened=restart - 1)}
        records += seal.start([*ledger.values()], **AT)
        records += seal.twin_nonces(**AT)
        if restart > 1:
            assert seal.open_epoch == restart - 1
            seal.reveal(restart - 1, 0, **AT)
            seal.forget(restart - 1)
            records = [item for item in records if item.epoch != restart - 1]
        assert open_next(seal)[0] == restart
        assert seal.ready >= QUEUE_LENGTH - 1


def test_an_epoch_closed_in_the_journal_loses_its_file_at_the_next_start(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    records = started(seal)
    again = live(tmp_path / "keys")
    again.start(entries(*records, closed=1), **AT)
    assert not (tmp_path / "keys" / "draw" / "epoch-00000001.json").exists()
    assert open_next(again)[0] == 2


def test_a_file_that_the_journal_never_saw_is_committed_again(tmp_path: Path) -> None:
    first = live(tmp_path / "keys").start([], **AT)
    assert live(tmp_path / "keys").start([], **AT) == first


def test_a_lost_key_file_is_told_and_its_epoch_never_opened(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    records = started(seal)
    (tmp_path / "keys" / "draw" / "epoch-00000001.json").unlink()
    again = live(tmp_path / "keys")
    again.start(entries(*records, opened=1), **AT)
    assert again.lost == (1,)
    with pytest.raises(SealError, match="no key file"):
        again.resume(1)
    assert open_next(again)[0] == 2


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o400])
def test_a_key_file_of_another_mode_is_refused(tmp_path: Path, mode: int) -> None:
    live(tmp_path / "keys").start([], **AT)
    (tmp_path / "keys" / "draw" / "epoch-00000002.json").chmod(mode)
    with pytest.raises(SealError, match="mode 0600"):
        live(tmp_path / "keys").start([], **AT)


def test_a_linked_key_file_is_refused(tmp_path: Path) -> None:
    live(tmp_path / "keys").start([], **AT)
    path = tmp_path / "keys" / "draw" / "epoch-00000002.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(SealError, match="can't be opened"):
        live(tmp_path / "keys").start([], **AT)


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    live(tmp_path / "keys").start([], **AT)
    (tmp_path / "keys" / "draw").chmod(0o755)
    with pytest.raises(SealError, match="mode 0700"):
        live(tmp_path / "keys")


def test_a_garbled_or_foreign_key_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    live(tmp_path / "keys").start([], **AT)
    path = tmp_path / "keys" / "draw" / "epoch-00000002.json"
    text = path.read_text()
    path.write_text(text.replace("secret", "secrex"))
    with pytest.raises(SealError, match="not a draw key file") as caught:
        live(tmp_path / "keys").start([], **AT)
    assert text[60:90] not in str(caught.value)
    path.write_text(text.replace('"L3"', '"L4"'))
    with pytest.raises(SealError, match="expected"):
        live(tmp_path / "keys").start([], **AT)


def test_a_commitment_other_than_the_journals_is_refused(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    records = seal.start([], **AT)
    other = live(tmp_path / "other").start([], **AT)
    with pytest.raises(SealError, match="not the one in the journal"):
        live(tmp_path / "keys").start(entries(other[0], *records[1:]), **AT)


def test_seeded_secrets_belong_to_twin_lanes_only(tmp_path: Path) -> None:
    with pytest.raises(SealError, match="for twin lanes"):
        Seal(tmp_path / "keys", site=SITE, lane=LANE, kind=LaneKind.LIVE, twin_seed=1)
    with pytest.raises(SealError, match="for twin lanes"):
        Seal(None, site=SITE, lane=LANE, kind=LaneKind.LIVE)
    seal = live(tmp_path / "keys")
    seal.start([], **AT)
    with pytest.raises(SealError, match="twin"):
        seal.twin_nonces(**AT)


def test_a_twins_epochs_follow_from_its_seed_on_disk_and_in_memory(tmp_path: Path) -> None:
    runs = []
    for keys, seed in ((tmp_path / "a", 5), (None, 5), (None, 6)):
        seal = twin(keys, seed)
        runs.append((seal.start([], **AT), seal.twin_nonces(**AT), open_next(seal)))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert {item.source for item in runs[0][1]} == {"twin"}


def test_live_secrets_are_never_the_same(tmp_path: Path) -> None:
    assert live(tmp_path / "a").start([], **AT)[0] != live(tmp_path / "b").start([], **AT)[0]


def test_no_secret_shows_in_a_representation(tmp_path: Path) -> None:
    seal = live(tmp_path / "keys")
    seal.start([], **AT)
    seal.enter_for_all(DIGITS, by="wang", **AT)
    opened = seal.open_next(rate="0.055", design=Design.RATE_HELD, config_sha256="", build_sha256="", **AT)
    revealed = seal.reveal(1, 0, **AT)
    text = repr(seal.__dict__) + repr(opened)
    assert revealed.secret not in text
    assert str(bytes.fromhex(revealed.secret)) not in text
    assert str(opened.key) not in text


def test_the_signing_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    key = SigningKey.load(tmp_path / "keys")
    assert SigningKey.load(tmp_path / "keys").public_key == key.public_key
    path = tmp_path / "keys" / "sign" / "lane.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("nonsense")
    with pytest.raises(SealError, match="32 bytes in hex"):
        SigningKey.load(tmp_path / "keys")
    path.chmod(0o644)
    with pytest.raises(SealError, match="mode 0600"):
        SigningKey.load(tmp_path / "keys")


def test_keys_lie_beside_the_run(tmp_path: Path) -> None:
    assert keys_folder(tmp_path / "run") == tmp_path / "run.keys"
    assert os.path.isabs(keys_folder(Path("run")))
