from dataclasses import replace

from nastoolkit.systems import simq_nas as simq


def test_a_fresh_supernet_is_trained_and_kept(given, tmp_path):
    (row,) = simq.trained("tiny", "digits", 4, str(tmp_path / "fresh"))
    kept = replace(given, checkpoint=row["checkpoint"], task_name="digits")
    assert kept.supernet.fingerprint != given.supernet.fingerprint and kept.accuracy().supernet is kept.supernet
    macs = given.family.unquantised.macs
    least, most = (float(macs(getattr(given.family.unquantised.space, end))) for end in ("smallest", "largest"))
    assert 64e-12 * 2 * (2 * most + 2 * least) < row["training_tmacs"] < 64e-12 * 2 * (3 * most + least)
