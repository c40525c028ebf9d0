"""File formats: JSON and Parquet with checksums, PNG, GIF, MP4 and users' images."""
