"""Matches between players: who plays better, with proof."""
