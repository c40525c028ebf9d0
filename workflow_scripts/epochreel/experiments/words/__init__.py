"""The word reader: short words in small images, read letter by letter through a moving mask."""
