"""Asking for a person: every phrase that does, none that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_faqbot.handoff import Detector

DETECTOR = Detector()

REQUESTS = {
    "en": """
        talk to a human
        I want to talk to a human
        can I speak to a real person please
        agent please
        Agent!
        human
        Human, please.
        real person
        REPRESENTATIVE
        operator
        let me talk to someone
        could I chat with somebody from your team?
        connect me to an agent
        please transfer me to a representative
        put me through to a person
        hand me over to a colleague
        I need a human
        I'd like a real human being
        I would like to speak with a member of staff
        get me a manager
        I want to speak to your manager
        get me an agent now
        is there a real person I can talk to?
        is there anyone I can talk to
        is anybody there?
        can someone call me back... can someone call me
        no bots please
        I don't want to talk to a bot
        I hate bots
        stop this robot
        this is not helping me, I want to talk to a person
        Where is my order?? Let me speak to a person.
        you are useless. human!
        live agent
        customer service
        talk to customer support
        how do I talk to a person
        why can't I talk to a human
        speak to an advisor
        I prefer a human agent
        give me a human
        escalate this to a supervisor
        I need to contact a human
        can I have a human please
        are there any real people who could help
        tlak to a humna
        I want to speak to an agnet
        speak to a represenative
        i want a person
        actual human pls
        someone real please
        switch me to a live person
        I'd rather talk to a real person
        can a real person contact me
        is it possible to have a chat with one of your employees
        can you pass me on to someone who works there
        I'd prefer dealing with a person
        please let a human answer this
        can somebody from support get in touch with me
        i need to speak w/ someone
        hand off to human
        human handoff
        is a person available?
        how can I reach a human being
        would you mind connecting me with an agent
        could you put someone on
        i demand to speak to a supervisor
        get a human on the line
        talk to agent
        TALK TO A PERSON!!!
        speak with support
        i'm done with this bot, human please
        may I speak with an associate
        agent agent agent
        Can an actual employee look at this
        live chat with a person
        I want human support
        start chat with agent
        need to talk to some one
        let me speak to your boss
        I wish to speak to someone in charge
        give me a real person not a machine
        could I get some human assistance
        i'd like to be connected with a support rep
        is somebody there who can help
        put a human on please
        I keep going in circles, please get me a person
        can we escalate to a manager
        anyone there?
        speaking to a human would be great
        i want a call from an agent
        any chance I could talk to a staff member
        human being please!!
        just let me talk to a damn person
        Let me chat with customer support
        I want someone to call me
        please forward me to the support team
        can i spek to a person
        this bot is useless, get me a human
        Who can I talk to? I need a real agent
    """,
    "es": """
        quiero hablar con una persona
        Quiero hablar con un agente, por favor
        ¿Puedo hablar con alguien?
        hablar con un humano
        agente por favor
        un agente
        persona real
        humano
        necesito un asesor
        páseme con un operador
        pásame con una persona de verdad
        ponme con alguien
        prefiero una persona real
        quisiera comunicarme con un representante
        ¿hay algún agente disponible?
        quiero que me atienda una persona
        no quiero hablar con un robot
        me gustaría hablar con un responsable
        transfiéreme a un agente
        atención al cliente
        quiero hablar con una presona
        quiero que me pase con alguien de su equipo
        necesito hablar con alguien ya
        hay alguna persona ahí?
        puede llamarme un agente
        con una persona por favor
        no quiero un bot, quiero una persona
        me puedes pasar con un compañero
        operador
        deseo ser atendido por un humano
        hablar con soporte
        quiero hablar con un ser humano
        humano por favor
        quiero hablar con alguien de verdad
        por favor comuníqueme con un asesor
        necesito que me atienda un agente humano
        ¿me pasa con un representante?
        hablar con persona
        contactar con un agente
        prefiero hablar con una persona
        un humano por favor
        puedo chatear con un operador?
        quiero hablar con el encargado
    """,
    "de": """
        Ich möchte mit einem Menschen sprechen
        ich moechte mit einem mitarbeiter sprechen
        Kann ich bitte mit jemandem reden?
        Mitarbeiter bitte
        Mensch!
        echte Person bitte
        einen echten Menschen bitte
        verbinden Sie mich mit einem Berater
        Bitte verbinde mich mit einem Mitarbeiter
        Ich brauche einen Ansprechpartner
        ich will einen Menschen
        Ich will keinen Bot
        nicht mit einem Roboter
        Kann ich mit einer echten Person chatten?
        leiten Sie mich an einen Mitarbeiter weiter
        Gibt es hier einen echten Menschen?
        mit wem kann ich hier, mit einem Kundenberater sprechen
        Ich würde gerne mit jemandem vom Team sprechen
        mit einem Mitarbieter sprechen
        Kundenservice bitte
        kann mich jemand anrufen
        Kann ich mit einer richtigen Person reden
        Ich hätte gern einen Mitarbeiter
        Ist da ein Mensch?
        bitte einen Menschen
        Ich würde lieber mit einem Menschen schreiben
        Kann mir ein Mitarbeiter helfen
        Stellen Sie mich bitte durch
        ich möchte den Kundenservice sprechen
        Kundenberater
        kein Chatbot bitte
        Mit einem Mitarbeiter verbinden
        gibt es hier auch richtige menschen
        Ich will mit einem echten Menschen reden
        Kann ich jemanden sprechen?
        Bitte an einen Mitarbeiter weiterleiten
        mit Support sprechen
        Ich möchte keinen Chatbot, sondern einen Menschen
        Wie erreiche ich einen Mitarbeiter
        Gibt es einen Ansprechpartner
        echter Mensch
        Ich brauche einen Menschen, keine Maschine
        Verbinden Sie mich bitte mit dem Kundenservice
    """,
    "fr": """
        je veux parler à un humain
        Je voudrais parler à une vraie personne
        puis-je parler à quelqu'un ?
        parler à un conseiller
        agent s'il vous plaît
        un humain svp
        conseiller
        vraie personne
        mettez-moi en relation avec un agent
        passez-moi un conseiller
        j'ai besoin d'un humain
        je préfère un vrai conseiller
        y a-t-il quelqu'un ?
        je ne veux pas parler à un robot
        pas un bot
        être mis en contact avec une personne
        transférez-moi à un opérateur
        je souhaite échanger avec votre service client
        je voudrais parler avec un conseillier
        est-ce que quelqu’un peut me rappeler
        je veux un humain
        puis-je discuter avec un conseiller
        quelqu'un de réel svp
        est-ce que je peux avoir un vrai agent
        je cherche à joindre quelqu'un
        parler à une personne
        je voudrais être rappelé par un conseiller
        un conseiller s'il vous plaît
        mettez moi en contact avec le service client
        passer à un humain
        je voudrais parler à un conseiller
        puis-je avoir quelqu'un au téléphone
        passez-moi quelqu'un
        je souhaite être mis en relation avec un conseiller
        comment contacter un agent
        un agent svp
        parler à un vrai humain
        y a-t-il une vraie personne ici
        je veux parler à un responsable
        service client svp
    """,
}

NOT_REQUESTS = """
    I want to return a person-sized tent
    what does the travel agent do
    I need a two person tent
    do you have a one-person tent
    tent for one person
    is this cleaning agent safe for down
    which waterproofing agent should I use
    the delivery agent left my parcel outside
    I spoke to an agent yesterday
    my agent said the refund was done
    are you a human?
    am I talking to a bot
    is this a real person or a robot
    I don't want to talk to a human
    no need to talk to a person
    do I have to speak to an agent to cancel my order
    is the jacket made for people who sweat
    how many people fit in the Alder tent
    can I give the gift card to someone else
    someone stole my parcel
    somebody else will collect my order
    do you support hiking clubs
    does the pack support heavy loads
    where is my order
    how do I contact you
    what is your customer service phone number
    return to sender
    I want to return the boots
    human rights in your supply chain
    real leather boots
    a live map of the parcel
    who is the founder
    ship to a different person
    get the jacket in red
    thanks
    hello
    I have a person in my group who is tall
    I like the people in your photos
    put the label on the box
    I need a rep range chart for training
    ¿cuántas personas caben en la tienda?
    tienda para una persona
    ¿dónde está mi pedido?
    no quiero hablar con un agente
    la persona que recibe el paquete
    quiero devolver una chaqueta
    Zelt für eine Person
    wie viele Personen passen hinein
    Wo ist mein Paket?
    ich will nicht mit einem Menschen sprechen
    Ich möchte die Jacke zurückgeben
    Reinigungsmittel für Menschen mit Allergie
    tente pour une personne
    combien de personnes dans la tente
    je ne veux pas parler à un conseiller
    où est mon colis ?
    personne ne m'a livré
    je veux retourner une veste
    agent imperméabilisant
    can I get the jacket for another person
    do you deliver to a different person
    is this boot made for real mountain people
    do you have a size chart for women
    can someone sign for my parcel
    may somebody else pick up my order
    how do I get a refund
    please send the invoice to my manager
    my colleague ordered the wrong size
    I like the support of this backpack
    can I return it to the staff in the shop
    who is your customer service representative for Norway
    I need a pack with good hip support
    is the gift card for one person only
    how do I contact the courier
    write a review
    can I change the person who receives the parcel
    I'd like to return a tent
    what's the number of people in the company
    does the rain jacket come in human sizes
    please cancel my order
    can I have the blue one
    where can I see my orders
    speak up speakers in stock?
    connect my account with paypal
    transfer my gift card balance to another card
    could you send the parcel to my sister
    je cherche une tente pour trois personnes
    puis-je changer la personne qui reçoit le colis
    mon agent de voyage
    quiero cambiar la talla
    ¿puedo regalarla a otra persona?
    necesito una mochila para una persona alta
    kann eine andere Person das Paket annehmen
    ich brauche ein Zelt für vier Personen
    Wie lange dauert die Lieferung für Mitarbeiter
    kann ich die Jacke umtauschen
    is anyone there on public holidays
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("language", "text"), [(code, line) for code, text in REQUESTS.items() for line in lines(text)]
)
def test_every_request_for_a_person_is_recognised(language: str, text: str) -> None:
    """Whoever asks for a person gets one: recall on this list is 1."""
    assert DETECTOR.wants_person(text), f"{language}: {text}"


@pytest.mark.parametrize("text", lines(NOT_REQUESTS))
def test_a_person_or_an_agent_in_another_sense_is_no_request(text: str) -> None:
    """A word such as person or agent is not enough."""
    assert not DETECTOR.wants_person(text)


@given(st.text(max_size=300))
def test_any_text_is_judged_alike_in_capitals(text: str) -> None:
    """Nothing a contact can type breaks the detector, and shouting changes nothing that folding undoes."""
    assert DETECTOR.wants_person(text) == DETECTOR.wants_person(text.casefold())


def test_a_request_inside_a_long_message_is_found() -> None:
    """It may stand anywhere in the first page of a message."""
    assert DETECTOR.wants_person(
        "My parcel is late. " * 100 + "Please let me speak to a person. " + "It is late. " * 50
    )
