"""How large the data sets are, as published, and the comparison with what was found."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

_PAPER = 'Table 1 of the paper'
_300W = 'Sagonas et al., 300 faces in-the-wild challenge, 2016'
_WFLW = 'Wu et al., Look at boundary, CVPR 2018'
_300VW = 'Shen et al., The first facial landmark tracking in-the-wild challenge, ICCVW 2015'
_300VW_LATER = 'later papers on 300VW, without the broken frames'


@dataclass(frozen=True)
class PublishedCount:
    """A published number.

    Attributes:
        values: Number, or the numbers that different sources give.
        source: Who says so.
        required: Whether another number is an error; else it is a note.
        tolerance: Share by which a number may differ and still be no error, but a note.
    """

    values: Tuple[int, ...]
    source: str
    required: bool = True
    tolerance: float = 0.0


def _table(source: str, required: bool = True, tolerance: float = 0.0,
           **values) -> Dict[str, PublishedCount]:
    return {name.replace('__', ' '): PublishedCount(
        value if isinstance(value, tuple) else (value, ), source, required, tolerance)
        for name, value in values.items()}


#: From data set to its published numbers: faces, unless the name says otherwise.
PUBLISHED: Dict[str, Dict[str, PublishedCount]] = {
    '300w': {
        **_table(_PAPER, train=3148, valid=689, test=600),
        **_table(_300W, valid_common=554, valid_challenge=135, afw=337, helen__trainset=2000,
                 lfpw__trainset=811, helen__testset=330, lfpw__testset=224, ibug=135,
                 indoor=300, outdoor=300),
    },
    'wflw': {
        **_table(_PAPER, train=7500, test=2500),
        **_table(_WFLW, test_largepose=326, test_expression=314, test_illumination=698,
                 test_makeup=206, test_occlusion=736, test_blur=773),
    },
    'cofw': _table(_PAPER, train=1345, test=507),
    'aflw': {
        **_table(_PAPER, train=20000, test=4386),
        # Zhu et al. (CVPR 2016) name the one, those who use their release count the other.
        **_table('Zhu et al., CVPR 2016; later papers', required=False,
                 test_frontal=(1314, 1165)),
    },
    '300vw': {
        **_table(_300VW, train__videos=50, test_1__videos=31, test_2__videos=19,
                 test_3__videos=14),
        # Frames less the broken ones. Decoders differ by a frame here and there.
        **_table(_300VW_LATER, tolerance=0.01, train=95192, test_1=62135, test_2=32805,
                 test_3=26338),
    },
}


@dataclass(frozen=True)
class CountLine:
    """A number that was found, beside the published one.

    Attributes:
        name: What was counted.
        found: How many there are.
        published: The published number, if there is one.
    """

    name: str
    found: int
    published: Optional[PublishedCount] = None

    @property
    def agrees(self) -> bool:
        """Whether the number is a published one, or none is published."""
        return self.published is None or self.found in self.published.values

    @property
    def is_error(self) -> bool:
        """Whether the number differs where it must not."""
        if self.agrees or not self.published.required:
            return False
        return all(abs(self.found - value) > self.published.tolerance * value
                   for value in self.published.values)

    def __str__(self) -> str:
        if self.published is None:
            return f'{self.name}: {self.found}'
        published = ' or '.join(str(value) for value in self.published.values)
        verdict = 'as published' if self.agrees else f'published: {published}'
        return f'{self.name}: {self.found} ({verdict})'


def compare_counts(dataset: str, found: Mapping[str, int]) -> List[CountLine]:
    """Put published numbers beside those found.

    Args:
        dataset: Name of the data set.
        found: From what was counted to how many there are.

    Returns:
        list[CountLine]: In the order of ``found``.

    Examples:
        >>> for line in compare_counts('cofw', dict(train=1345, test=500)):
        ...     print(line, line.is_error)
        train: 1345 (as published) False
        test: 500 (published: 507) True
    """
    table = PUBLISHED[dataset]
    return [CountLine(name, int(count), table.get(name)) for name, count in found.items()]
