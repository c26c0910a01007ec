import pytest

from modc.report.page.coverage import coverage

HEAD = "split,role,attribute,value,expected,obtained,missing\n"


def write(folder, dataset, text):
    (folder / "coverage").mkdir(exist_ok=True)
    (folder / "coverage" / f"{dataset}.csv").write_text(text)


def test_shares_of_attributes_and_overall(tmp_path, config):
    rows = [
        "train,train,neck_design,0,10,9,1",
        "train,train,neck_design,1,30,30,0",
        "test,query,neck_design,0,3,2,1",
        "train,train,coat_length,0,60,0,60",
    ]
    write(tmp_path, "darn", HEAD + "\n".join(rows) + "\n")
    fashionai, darn = coverage(tmp_path, config)
    assert (fashionai["dataset"], fashionai["missing"]) == ("FashionAI", "not counted yet")
    assert (darn["missing"], darn["page"], darn["threshold"]) == ("", "coverage/darn.md", 0.95)
    training, query = darn["parts"].index("training"), darn["parts"].index("test queries")
    shares = {row["attribute"]: row["shares"] for row in darn["rows"]}
    assert list(shares) == ["neck design", "coat length", "overall"]
    assert [shares[name][training] for name in shares] == ["97.5 %", "0.0 %", "39.0 %"]
    assert [shares[name][query] for name in shares] == ["66.6 %", "–", "66.6 %"]


@pytest.mark.parametrize(
    "text",
    ["", "\0", "a,b\n1,2\n", HEAD + "train,train,a,0,x,y,z\n", HEAD + "train,train,a,0,,,\n"],
)
def test_a_damaged_count_is_said_to_be(tmp_path, config, text):
    write(tmp_path, "darn", text)
    assert "coverage/darn.csv is damaged" in coverage(tmp_path, config)[1]["missing"]


def test_datasets_without_a_list_are_left_out(tmp_path, config):
    config["grid"]["datasets"] = ["FashionMNIST"]
    assert coverage(tmp_path, config) == []
