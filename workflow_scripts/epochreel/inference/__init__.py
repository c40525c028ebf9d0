"""Predictions on images of users."""
