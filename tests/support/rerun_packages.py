"""Packages that a rule's code imports, or its jobs load, without effect on any result."""

from __future__ import annotations

# Why these have no effect: processes, threads and GPUs are only monitored; libvips only checks
# images, fonttools only texts; PNGs and timelines are read, not written; films are not made, or
# their frames are only checked; numpy draws the shards; the digits of scikit-learn are a file that
# does not change; the picture of a prediction contains no table.
WATCHING = {"psutil", "nvidia-ml-py", "threadpoolctl", "pyvips", "fonttools"}
_LOOKING = {"pillow", "deflate", "isal", "numpy", "pyarrow"}
_FILMING = {"imageio-ffmpeg", "ffmpeg-python"}
ONLY_IMPORTED = {
    "generate_dataset": {"torch", "scikit-learn", "scipy"},
    "train": {"deflate", "isal"},
    "describe_network": {"deflate", "isal"},
    "evaluate": {"deflate", "isal"},
    "draw_prediction": {"pandas"},
    **{
        f"encode{name}": _LOOKING
        for name in ("", "_segment", "_closing", "_webm", "_webm_segment", "_webm_closing", "_gif")
    },
    "save_poster": _LOOKING | _FILMING,
    "write_captions": _LOOKING | _FILMING,
}
# numba imports scipy at startup, for matrix products. The code compiled for these projections has
# none.
ONLY_IMPORTED |= {"causal": {"scipy"}, "linear": {"scipy"}}

# Loaded by other packages; they compute nothing that a result holds.
BROUGHT = {
    "snakemake": "begins each job",
    "snakemake-interface-common": "Snakemake's",
    "snakemake-interface-logger-plugins": "Snakemake's",
    "snakemake-interface-storage-plugins": "Snakemake's",
    "pandas": "pyarrow's, which asks it whether an array is one of its own",
    "pyvips-binary": "pyvips': libvips, which checks user images",
    "cffi": "pyvips': calls libvips",
    "pycparser": "cffi's: reads C declarations",
    "python-dateutil": "pandas'",
    "cloudpickle": "pyarrow's, for functions of one's own",
    "typing-extensions": "torch's: types",
    "tqdm": "torch's and UMAP's: progress",
    "pyyaml": "numba's, for its settings",
    "charset-normalizer": "numpy's, for reading Fortran",
    "joblib": "scikit-learn's and pynndescent's: shares work out",
    "narwhals": "scikit-learn's: kinds of tables",
    "rich": "scikit-learn's: progress",
    "future": "ffmpeg-python's: names of older Pythons",
}


def computing_nothing(rule: str, projection: str = "") -> set[str]:
    """Return the packages that a rule's jobs may load although no result depends on them."""
    of_either = ONLY_IMPORTED.get(rule, set()) | ONLY_IMPORTED.get(projection, set())
    return WATCHING | BROUGHT.keys() | of_either
