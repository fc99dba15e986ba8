"""Set the summary as an HTML page: a table for each group of numbers, intervals beside the values."""

from atmodist.core.job import job

STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; margin-bottom: 2em; }
th, td { padding: 0.15em 1em 0.15em 0; text-align: left; white-space: nowrap; }
th { border-bottom: 1px solid #222; }
tr:nth-child(even) td { background: #f4f4f4; }
:is(th, td):is(:nth-child(4), :nth-child(5)) { text-align: right; font-variant-numeric: tabular-nums; }
"""

with job(snakemake.log[0], "summary_table"):
    import pandas as pd

    from atmodist.core.files import replacing

    numbers = pd.read_csv(snakemake.input.summary, dtype=str, keep_default_na=False)
    numbers["quantity"] = numbers["quantity"].str.replace("_", " ")
    numbers["95 % interval"] = [
        f"{low} to {high}" if low else "" for low, high in zip(numbers["low"], numbers["high"], strict=True)
    ]
    columns = ["system", "quantity", "variable", "value", "95 % interval", "unit"]
    name = numbers["config"].iloc[0]
    parts = [f"<h2>{name}: summary</h2>"]
    for group, rows in numbers.groupby("group", sort=False):
        parts += [f"<h3>{group.replace('_', ' ')}</h3>", rows[columns].to_html(index=False, border=0)]
    page = f'<!doctype html><meta charset="utf-8"><title>{name}</title><style>{STYLE}</style>'
    with replacing(snakemake.output.table) as partial:
        partial.write_text("\n".join([page, *parts]))
