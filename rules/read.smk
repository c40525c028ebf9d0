"""Reading a page of one's own.

needs  pages/<name>.png, the run's network
makes  results/<run>/readings/<name>.csv
"""
