"""What reads a text: each lens turns a set of pairs into one `FeatureMatrix`."""
