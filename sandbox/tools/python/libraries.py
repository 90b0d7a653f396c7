"""What a program may import: a component carries the modules that were imported when it was
built, and no others. Modules that only start processes, threads or sockets are left out."""

import array, base64, binascii, bisect, calendar, cmath, collections, collections.abc, colorsys  # noqa: E401
import configparser, copy, csv, dataclasses, datetime, decimal, difflib, enum, fnmatch, fractions  # noqa: E401
import functools, glob, graphlib, hashlib, heapq, hmac, html, html.parser, io, itertools, json  # noqa: E401
import keyword, math, numbers, operator, pathlib, pprint, random, re, secrets, shlex, statistics  # noqa: E401
import string, struct, textwrap, time, tomllib, types, typing, unicodedata, urllib.parse, uuid  # noqa: E401
import warnings, xml.etree.ElementTree, zlib, zoneinfo, _strptime, encodings.idna, encodings.latin_1  # noqa: E401
