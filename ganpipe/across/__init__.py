"""The variants across several data sets, by normalised scores and by ranks: `ganpipe across`."""
