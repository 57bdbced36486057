"""What a hand is worth in the auction.

histogram   final points of the bidding team: P(make) with Wilson intervals, for every bid
matrix      the histograms of a hand under all declarations: open hands beside playouts
open_hands  ... exact values of uniform worlds, all hands open: an upper bound
playouts    ... hands played by seats that see one hand: the price
advice      marks, games, and what to call
bidders     what a seat calls in whole games
why         playouts that fail, by their costliest trick
dataset     matrices as a data set of seeds, one training table of them
settings    what decides a matrix

docs/methods.md tells how the numbers come about.
"""
