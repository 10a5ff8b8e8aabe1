"""The star rating in an XMP packet: the one thing of XMP that this program reads and writes."""

from __future__ import annotations

from xml.dom import minidom
from xml.parsers.expat import ExpatError

_XMP = "http://ns.adobe.com/xap/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMLNS = "http://www.w3.org/2000/xmlns/"

_TEMPLATE = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{rdf}">
  <rdf:Description rdf:about="" xmlns:xmp="{xmp}" xmp:Rating="{rating}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def new_packet(rating: int) -> bytes:
    """Return a packet, in UTF-8, that holds nothing but the rating."""
    return _TEMPLATE.format(rdf=_RDF, xmp=_XMP, rating=rating).encode()


def rating_of(packet: bytes) -> int:
    """Return a packet's rating, 0 to 5; 0 also for "rejected" (-1) and for what is no XMP."""
    if packet in _OWN:
        return _OWN[packet]
    document = _parse(packet)
    if document is None:
        return 0
    text = ""
    for description in document.getElementsByTagNameNS(_RDF, "Description"):
        text = text or description.getAttributeNS(_XMP, "Rating")
    for element in document.getElementsByTagNameNS(_XMP, "Rating"):
        text = text or "".join(node.data for node in element.childNodes if isinstance(node, minidom.Text))
    try:
        return min(max(int(float(text)), 0), 5)
    except (ValueError, OverflowError):
        return 0


_OWN = {new_packet(rating): rating for rating in range(6)}  # thousands are read; parsing takes most of that


def with_rating(packet: bytes, rating: int) -> bytes:
    """Return the packet with that rating and everything else it says; a new one where it is no XMP."""
    document = _parse(packet)
    descriptions = document.getElementsByTagNameNS(_RDF, "Description") if document is not None else []
    if document is None or not descriptions:
        return new_packet(rating)
    for element in list(document.getElementsByTagNameNS(_XMP, "Rating")):
        if element.parentNode is not None:
            element.parentNode.removeChild(element)
    for description in descriptions:
        if description.hasAttributeNS(_XMP, "Rating"):
            description.removeAttributeNS(_XMP, "Rating")
    top = descriptions[0]  # in the file's order: one of the outermost
    top.setAttributeNS(_XMLNS, "xmlns:xmp", _XMP)
    top.setAttributeNS(_XMP, "xmp:Rating", str(rating))
    text = "".join(node.toxml() + "\n" for node in document.childNodes)
    return text.encode()


def _parse(packet: bytes) -> minidom.Document | None:
    """The packet as a tree, None where it is no XML (or wants to define entities, which no XMP does)."""
    text = packet.strip(b"\x00 \t\r\n")
    if not text or b"<!" in text.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        return None
    try:
        return minidom.parseString(text)
    except (ExpatError, ValueError, LookupError):
        return None
