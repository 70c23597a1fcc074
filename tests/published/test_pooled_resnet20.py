import pytest

from nastoolkit.published.pooled_resnet20 import FILE, pooled_resnet20

HEAD = "number,block1,block2,block3,standalone_acc,standalone_sd,supernet_m1,supernet_m1_sd,supernet_m4"


def write(folder, *lines):
    (folder / FILE).write_text("\n".join(lines))
    return folder


def test_lines_are_configurations(tmp_path):
    table = pooled_resnet20(write(tmp_path, HEAD, "1,1,1,8,87.5,0.1,76.4,0.1,79.1", "2,4,3,3,90.5,0.1,80.0,0.1,83.5"))
    assert table.configurations == ("1-1-8", "4-3-3") and table.alone.tolist() == [87.5, 90.5]
    assert {n: values.tolist() for n, values in table.shared.items()} == {1: [76.4, 80.0], 4: [79.1, 83.5]}


def test_the_published_configurations(data_folder):
    table = pooled_resnet20(data_folder)
    assert len(set(table.configurations)) == 36 and sorted(table.shared) == [1, 2, 4, 8]
    assert (table.alone.min(), table.alone.max()) == (87.4467, 92.0117)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["block1,block2,standalone_acc", "1,1,90"], "^the table of pooled networks has no column 'block3'; its columns are"),
        (["block1,block2,block3", "1,1,8"], "^the table of pooled networks has no column 'standalone_acc'; its columns are"),
        ([HEAD, "1,1,1,8,,0.1,76.4,0.1,79.1"], "^the table of pooled networks has no numbers somewhere among "),
        ([HEAD, "1,1,1,8,87.5,0.1,x,0.1,79.1"], "^the table of pooled networks has no numbers somewhere among "),
    ],
)
def test_what_is_no_such_table_is_told(tmp_path, lines, message):
    with pytest.raises(ValueError, match=message):
        pooled_resnet20(write(tmp_path, *lines))


def test_a_missing_file_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"no {FILE} in .*pooled_resnet20.py.*NASTOOLKIT_DATA=DIR"):
        pooled_resnet20()
