"""How bytes lie on disk: checksums, Parquet, PNG, GIF, MP4, images of users."""
