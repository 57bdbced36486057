"""The arena: matches between players, who plays better and how sure that is.

settings     what a match is; declare      who calls which trumps
match        mirrored contracts, block by block; record   blocks on disk, checked when read
statistics   McNemar, Wilson, bootstrap, Bradley-Terry, the sequential test
result       what a match says, in figures and in a sentence
matrix       everyone against everyone, ratings
games        whole games to seven marks
"""
