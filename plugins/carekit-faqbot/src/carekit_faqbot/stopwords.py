"""Words too common to search by, folded (small letters, no accents), language by language."""

from __future__ import annotations

STOP_WORDS = {
    "en": """
        a about again all also am an and any anyone anything are as at be because been before being but by
        ca can cannot could did do does doing done else for from get gets getting give go going got had has
        have having he hello her here hey hi him his how i if in into is it its just know let like made make
        many may maybe me might mine much my need no not now of off ok on one or our out over please put she
        should so some somebody someone something still such tell than thank thanks that the their them then
        there these they thing things this those to too until up upon us use used using very want was we
        were what when where which while who whom whose why will with wo would yes yet you your yours
    """,
    "de": """
        aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist bitte da damit
        dann das dass dein deine dem den denn der des die dies diese diesem diesen dieser dieses doch dort
        du durch ein eine einem einen einer eines er es etwas euch euer eure fur gehen geht gern habe haben
        hallo hat hatte hier ich ihm ihn ihnen ihr ihre ihren im in ist ja jetzt kann kannst kein keine
        keinen konnen konnt konnte machen man mein meine meinem meinen meiner mich mir mit mochte muss nach
        nein nicht noch nun nur ob oder schon sehr sein seine sich sie sind so uber um und uns unser unsere
        unter vom von vor wann war warum was weil welche welcher welches wenn wer werden wie will wir wird
        wo wurde zu zum zur
    """,
    "es": """
        a al algo alguien algun alguna antes aqui asi aun como con cual cuales cuando cuanta cuantas cuanto
        cuantos de del desde donde dos el ella ellos en entonces era es esa ese eso esta estan estar este
        esto estos estoy favor fue gracias ha haber hace hacer hago hasta hay he hola la las le les lo los
        mas me mi mis mucho muy nada ni no nos nuestra nuestro o os otra otro para pero poder por porque
        puede puedo pues que quien quiero se sea ser si sin sobre son soy su sus tambien te tener tengo
        tiene tienen todo tu tus un una uno unos usted vosotros y ya yo
    """,
    "fr": """
        a ai alors au aucun aussi autre aux avec avez avoir avons bien bonjour c ca car ce cela ces cet
        cette chez comme comment d dans de des dois donc dont du elle elles en encore est et etait ete etre
        eu faire fait faut il ils j je l la le les leur leurs lui m ma mais me merci mes moi mon n ne nos
        notre nous on ont ou par pas peut peux plait plus pour pourquoi puis qu quand que quel quelle
        quelles quels qui quoi s sa sans se ses si sont sous suis sur t ta te tes toi ton tous tout tres tu
        un une veux voici voila vos votre vous y
    """,
    "it": """
        a ad agli ai al alla alle anche avere c che chi ci ciao come con cosa cui d da dal dalla dei del
        della delle di dove e ed ero fare gli grazie ha hai hanno ho i il in io l la le lei lo loro lui ma
        me mi mia mie miei mio ne nei nel nella noi non nostra nostro o per perche piu posso puo quale quali
        quando quanto quella quello questa questo qui se sei si sia sono sta su sua sue sul suo te ti tra tu
        tuo un una uno vi voglio voi
    """,
    "pt": """
        a ao aos as ate com como da das de dela dele do dos e ela ele em entre era essa esse esta este eu
        faco fazer foi ha isso isto ja la lhe mais mas me meu meus minha minhas muito na nao nas nem no nos
        nossa nosso num numa o obrigado ola onde os ou para pela pelo pode por porque posso quais qual
        quando quanto que quem quero sao se sem ser seu seus so sua suas tambem te tem tenho ter um uma voce
        voces
    """,
    "nl": """
        aan al alle als ander bedankt ben bij daar dan dat de deze die dit doen door dus een en er geen had
        hallo heb hebben heeft het hier hij hoe hoeveel ik in is ja jij jou jouw jullie kan kun kunnen maar
        me meer met mij mijn moet na naar niet nog nu of om omdat onder ons onze ook op over te toch tot u
        uit uw van veel voor waar waarom wanneer was wat we wel welke wie wij wil worden ze zich zij zijn zo
        zonder
    """,
}
