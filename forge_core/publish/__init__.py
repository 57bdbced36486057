"""Data for others: shards, training arrays, games and bid matrices as a data set that other programs open.

`folder.publish` writes data/{train,val,test}.parquet, a README card, croissant.json and SHA256SUMS.
"""
