"""The golden packets that are not text are what their recipe makes."""

import golden_avro


def test_the_committed_packets_are_what_the_recipe_makes() -> None:
    made = golden_avro.files()
    assert {name: (golden_avro.FOLDER / name).read_bytes() for name in made} == made
