"""The 80 numbers computed a second time, in pandas, from the raw rows: nothing here reads a staging model or a mart."""
