"""The sheet transcriber: ten-year rainfall sheets, read digit by digit."""
