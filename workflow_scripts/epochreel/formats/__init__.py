"""Byte layouts on disk: checksums, Parquet, PNG, GIF, MP4 and users' images."""
