"""The order of images and of classes does not matter, and what matters is what a plain loop says."""

import pytest
import torch

from nastoolkit.systems.metad2a.sets import N_HEADS, DataSetEncoder, SetAttention


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return DataSetEncoder(6, 8)


def test_the_order_of_images_and_of_classes_does_not_matter(encoder):
    features, order = torch.randn(2, 3, 5, 6), torch.randperm(5)
    one = encoder(features)
    torch.testing.assert_close(encoder(features[:, :, order]), one)
    torch.testing.assert_close(encoder(features[:, [2, 0, 1]]), one)
    assert one.shape == (2, 8)


def test_which_class_an_image_is_in_does_matter(encoder):
    features = torch.randn(1, 3, 5, 6)
    swapped = features.clone()
    swapped[:, 0, 0], swapped[:, 1, 0] = features[:, 1, 0], features[:, 0, 0]
    assert (encoder(swapped) - encoder(features)).abs().max() > 1e-4


def test_attention_against_a_loop_over_heads_and_queries():
    torch.manual_seed(1)
    attention = SetAttention(3, 5, 8)
    queries, keys = torch.randn(4, 3), torch.randn(6, 5)
    wide, part = attention.query(queries), 8 // N_HEADS
    for number in range(4):
        found = []
        for head in range(N_HEADS):
            own = slice(head * part, (head + 1) * part)
            scores = torch.stack([wide[number, own] @ key / 8**0.5 for key in attention.key(keys)[:, own]])
            found.append(wide[number, own] + torch.softmax(scores, 0) @ attention.value(keys)[:, own])
        joined = torch.cat(found)
        wanted = joined + torch.relu(attention.output(joined))
        torch.testing.assert_close(attention(queries, keys)[number], wanted)
