"""The demo's people, made up, with numbers that aren't assigned. Pure.

Most numbers are 555-01xx, which are reserved for fiction. Those that end in 77xx select a scenario of the
sandbox (see reminders/sandbox/scenarios.py), so that one day shows every outcome.
"""

from dataclasses import dataclass

AREA_CODES = (202, 212, 305, 312, 415, 503, 617, 713)

ENGLISH = """
Amara Okafor, Daniel Whitfield, Mei-Ling Zhou, Hannah Goldberg, Arjun Mehta, Siobhan Gallagher, Kwame
Asante, Yuki Tanabe, Olivia Hartley, Samir Khoury, Ingrid Solberg, Deshawn Carter, Nadia Petrenko, Thabo
Maseko, Ruth Abernathy, Farid Rahimi, Chloe Nguyen, Mateusz Kowalczyk, Aisha Bello, Gareth Llewellyn,
Soo-Jin Park, Eleni Papadakis, Victor Lindqvist, Zainab Qureshi, Harold Finch, Lakshmi Iyer, Connor
Doyle, Fatima Zahra Idrissi, Joseph Kamau, Beatrice Lowell, Anh Pham, Rosa Lindgren, Idris Yusuf, Petra
Novotná, Malik Thompson, Divya Nair, Esther Cohen, Liam O’Rourke, Ngozi Eze, Walter Krause, Tala
Whitehorse, Rashid Karimov, Emily Sanderson, Hiroshi Endo, Blessing Moyo, Katarina Horvat, Noor Al-Amin,
Peter Vandenberg, Shreya Banerjee, Caleb Winters, Mina Farahani, Oluwaseun Adeyemi, Greta Baumann, Tane
Parata, Joy Santos, Bilal Hussain, Astrid Dahl, Leroy Banks, Wei Zhang, Margaret Pruitt, Kavita Desai,
Andrius Petrauskas, Sade Coleman, Elif Yıldız, Roman Sokolov, Penny Ashworth
"""
SPANISH = """
Guadalupe Herrera, Javier Montoya, Ximena Cárdenas, Rafael Quintero, Marisol Peña, Esteban Villalobos,
Paloma Restrepo, Ignacio Benítez, Yolanda Figueroa, Hernán Aguirre, Rocío Salcedo, Emilio Barragán,
Dolores Zamora, Tomás Echeverría, Inés Maldonado, Joaquín Navarrete, Beatriz Olivares, Néstor Pacheco,
Alma Delgadillo, Ramiro Cifuentes, Celia Arriaga, Óscar Valdivia
"""
FRENCH = """
Aminata Diallo, Jean-Marc Toussaint, Geneviève Tremblay, Ousmane Ndiaye, Solange Baptiste, Mathieu
Gauthier, Fatou Sarr, Hugues Pelletier, Nadège Desrosiers, Cédric Mbemba, Manon Bouchard, Wilfrid
Célestin
"""


@dataclass(frozen=True)
class DemoPerson:
    """`number` is E.164, "" for none; a family shares one."""

    name: str
    language: str
    number: str

    @property
    def first_name(self) -> str:
        return self.name.rsplit(" ", 1)[0]

    @property
    def last_name(self) -> str:
        return self.name.rsplit(" ", 1)[1]


@dataclass(frozen=True)
class DemoPeople:
    """All people, by what they are for; each person is in one group only."""

    regulars: tuple[DemoPerson, ...]
    called_first: tuple[DemoPerson, ...]  # called within the first minute
    called_next: tuple[DemoPerson, ...]  # called within the hour after
    family: tuple[DemoPerson, ...]  # a parent and two children, today
    other_family: tuple[DemoPerson, ...]  # another family, tomorrow
    opted_out: DemoPerson
    unusable: DemoPerson
    without_number: DemoPerson

    def everybody(self) -> tuple[DemoPerson, ...]:
        families = self.family + self.other_family
        alone = (self.opted_out, self.unusable, self.without_number)
        return self.called_first + self.called_next + families + alone + self.regulars


def make_demo_people() -> DemoPeople:
    """The same people every time."""
    names = [
        (name, language)
        for language, text in (("en", ENGLISH), ("es", SPANISH), ("fr", FRENCH))
        for name in " ".join(text.split()).split(", ")
    ]
    return DemoPeople(
        regulars=tuple(
            DemoPerson(name, language, _fictional_number(i)) for i, (name, language) in enumerate(names)
        ),
        called_first=(
            DemoPerson("Priya Raman", "en", _scenario_number(212, 1)),
            DemoPerson("Carmen Ortega", "es", _scenario_number(305, 2)),
            DemoPerson("Marcus Bell", "en", _scenario_number(312, 6)),
            DemoPerson("Étienne Moreau", "fr", _scenario_number(617, 1)),
            DemoPerson("Leila Haddad", "en", _scenario_number(415, 9)),
            DemoPerson("Tomasz Zieliński", "en", _scenario_number(503, 3)),
        ),
        called_next=(
            DemoPerson("Grace Nakamura", "en", _scenario_number(202, 12)),
            DemoPerson("Alejandro Ibarra", "es", _scenario_number(713, 1)),
            DemoPerson("Dmitri Volkov", "en", _scenario_number(212, 4)),
            DemoPerson("Adaeze Obi", "en", _scenario_number(312, 8)),
            DemoPerson("Clémence Roy", "fr", _scenario_number(617, 6)),
            DemoPerson("Walid Mansour", "en", _scenario_number(415, 5)),
            DemoPerson("Bonnie Sutherland", "en", _scenario_number(503, 10)),
            DemoPerson("Hamish McAllister", "en", _scenario_number(713, 7)),
            DemoPerson("Rani Kapoor", "en", _scenario_number(305, 11)),
        ),
        family=_gather_family("en", _fictional_number(200), "Akua Mensah", "Kofi Mensah", "Abena Mensah"),
        other_family=_gather_family("es", _fictional_number(201), "Lucía Soto", "Mateo Soto", "Sofía Soto"),
        opted_out=DemoPerson("Gordon Tate", "en", _fictional_number(202)),
        unusable=DemoPerson("Valentina Cruz", "es", _fictional_number(203)),
        without_number=DemoPerson("Edith Marlowe", "en", ""),
    )


def _gather_family(language: str, number: str, *names: str) -> tuple[DemoPerson, ...]:
    return tuple(DemoPerson(name, language, number) for name in names)


def _fictional_number(index: int) -> str:
    """A number reserved for fiction, a different one for each index below 800."""
    hundreds, last_two = divmod(index, 100)
    area_code = AREA_CODES[(3 * index + hundreds) % len(AREA_CODES)]
    return f"+1{area_code}55501{last_two:02}"


def _scenario_number(area_code: int, scenario: int) -> str:
    return f"+1{area_code}55577{scenario:02}"
