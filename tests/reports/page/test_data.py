from __future__ import annotations

import dataclasses

from tritforge.reports.page.data import Comparison


def compare(words=None, differences=0, failures=()):
    words = {"act1": 5, "argmax": 1} if words is None else words
    return Comparison(
        judged="a",
        against="b",
        images=1,
        words=words,
        differences=differences,
        failures=tuple(failures),
    )


def test_equal_needs_words_and_no_fault():
    assert compare().equal
    assert compare().total == 6
    assert not compare(words={}).equal
    assert not compare(words={"act1": 0}).equal
    assert not compare(differences=1).equal
    assert not compare(failures=["layer conv1 dropped a beat"]).equal


def test_one_bad_comparison_spoils_the_verdict(bare):
    assert bare.verdict == "unproven"
    assert dataclasses.replace(bare, comparisons=(compare(), compare())).verdict == "equal"
    assert (
        dataclasses.replace(bare, comparisons=(compare(), compare(differences=1))).verdict
        == "different"
    )
    assert (
        dataclasses.replace(bare, comparisons=(compare(words={}), compare())).verdict == "different"
    )


def test_words_add_up(data):
    assert data.words_compared == 4 * data.comparisons[0].total


def test_accuracy_and_its_error(data):
    assert data.training.accuracy == 352 / 360
    assert (
        dataclasses.replace(data.training, images=4, correct=2).standard_error == 0.25
    )  # sqrt(1/2 1/2 / 4)
    unknown = dataclasses.replace(data.training, correct=None)
    assert unknown.accuracy is None
    assert unknown.standard_error is None


def test_the_device_is_the_synthesis_else_the_manifests(data, bare):
    small = dataclasses.replace(data.synthesis, device="xc7a35t")
    assert dataclasses.replace(data, synthesis=small).device.part == "xc7a35t"
    assert bare.device.part == "xc7k480t"
    assert (
        dataclasses.replace(bare, manifest=dataclasses.replace(bare.manifest, device=None)).device
        is None
    )


def test_layers_are_the_manifests(data):
    assert data.layer_names == ("conv1", "pool1", "conv2", "classifier", "argmax")
