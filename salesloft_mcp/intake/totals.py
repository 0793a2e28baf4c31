"""Pure: what stands in the place of an id below the rows of a report: words for a total, a count of rows, an end."""

import re

# Words for a total in the languages of spreadsheets. An id hardly ever is one of them.
_TOTALS = (
    "(?:(?:grand|sub|sous|team|hoved)[ -]?)?totals?|totaux|totales|totais|total[eit]|totalsumma?|(?:eind|sub)?totaal"
    "|(?:zwischen|gesamt)summen?|summen?|gesamt(?:ergebnis|zahl|betrag)?|teilergebnis|insgesamt"
    "|(?:(?:genel|ara) )?toplam|yhteensä|i alt|razem|łącznie|ogółem|suma końcowa|celkem|celkový (?:součet|súčet)"
    "|(?:mind)?összesen|végösszeg|spolu|ukupno|skupaj|(?:γενικό )?σύνολο|итого|всего|общий итог|итог|усього|разом"
    "|загальний підсумок|общо|укупно"
    '|合計|総計|小計|総合計|合计|总计|小计|總計|總和|총합계|합계|소계|총계|סה["״]?כ|סכום כולל'
    "|(?:الإجمالي|المجموع)(?: الكلي)?"
    "|tổng(?: cộng)?|jumlah(?: keseluruhan)?|รวม|ผลรวม(?:ทั้งหมด)?"
)
_COUNTS = (  # which may be names and ids as well
    "sums?|counts?|average|avg|records?|rows?|anzahl|mittelwert|durchschnitt|sommes?|nombre|moyenne|suma|recuento|promedio"
    "|soma|contagem|média|somma|conteggio|aantal|gemiddelde|summa"
)
_BESIDE = (
    "records?|rows?|contacts?|leads?|accounts?|count|amount|g[ée]n[ée]ral|geral|generale|complessivo"
    "|keseluruhan|końcowa"
)
_AFTER = r"(?:\s+(?:{beside}))*\s*(?:[:=：]\s*[\d\s.,]*|[(（][^)）]*[)）]:?)?\s*"
_TOTAL = re.compile(rf"\s*(?:{_TOTALS}){_AFTER.format(beside=_BESIDE)}")
_TOTAL_OR_COUNT = re.compile(rf"\s*(?:{_TOTALS}|{_COUNTS}){_AFTER.format(beside=_BESIDE)}")
# What databases write below their rows.
_END = re.compile(
    r"\(\d[\d,.]* (?:rows?|records?|zeilen?|lignes?|filas?|righe?|linhas?)(?: (?:affected|selected))?\)|\\[.]"
    r"|\d[\d,.]* rows? in set.*|\d[\d,.]* row\(s\) .*|\d[\d,.]* rows? (?:selected|affected|returned)[.]?(?: \(.*\))?"
    r"|total number of records retrieved: \d[\d,.]*|querying data[.]{3}.*"
    r"|[-*=< ]*end of (?:file|report|data)[-*=> .]*"
)


def says_total(text: str) -> bool:
    """Whether it is a word for a total alone. None begins with a digit, which tells most ids apart at once."""
    return not text[:1].isdecimal() and _TOTAL.fullmatch(text.lower()) is not None


def says_total_or_count(text: str) -> bool:
    """Whether it is such a word, or one for a count, a sum or an average, some of which are names as well."""
    return not text[:1].isdecimal() and _TOTAL_OR_COUNT.fullmatch(text.lower()) is not None


def says_end(text: str) -> bool:
    """Whether a database wrote it below its rows: how many there were, or that there are no more."""
    return _END.fullmatch(text.strip().lower()) is not None
