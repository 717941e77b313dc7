"""How mail systems word what they could not deliver, in many languages: for reports that are not in RFC 3464's form."""

from __future__ import annotations

import re

FAILED_SUBJECT = re.compile(
    # English
    r"undeliver(?:able|ed)|undelivrable|returned (?:e-?)?mail|returned to sender|mail returned|\breturn(?:ed"
    r"|ing)? message\b"
    r"|(?:mail|message|e-?mail)(?: \w+)? (?:delivery|deliver) (?:has )?(?:fail(?:ed|ure)|problem|status|system"
    r"|error|report)"
    r"|message delivery has failed|delivery (?:failure|failed|has failed|report|problem|error|unsuccessful)"
    r"|delivery (?:status )?notification|failure notice|failed (?:mail )?delivery|mail (?:system )?(?:failure|error)"
    r"|non[- ]?deliver(?:y|able)|(?:could|can|was|were|is) ?not (?:be )?(?:delivered|sent)|not delivered"
    r"|unable to deliver"
    r"|(?:message|mail) (?:you sent )?(?:was |has been )?(?:blocked|rejected|refused|bounced)"
    r"|(?:rejected|bounced|blocked) (?:mail|message|post)|^\W*bounce\W|error sending (?:your )?(?:e-?mail|message)"
    r"|postmaster notify|not member article|you (?:\S+ )*are not (?:a )?member|permanent (?:delivery )?(?:failure"
    r"|error)"
    r"|mta-blocked|address not found|user unknown|message blocked|unknown (?:user|address|recipient)"
    # German, Dutch
    r"|unzustellbar|nicht zugestellt|zustellung (?:\w+ )?fehlgeschlagen|fehlgeschlagene zustellung|zustellungsfehler"
    r"|onbestelbaar|niet bezorgd|onbezorgbaar|nicht zustellbar"
    r"|niet (?:worden )?(?:be|af)geleverd|kan niet worden bezorgd"
    # French, Spanish, Italian, Portuguese
    r"|non (?:remis|distribu[ée]|d[ée]livr)|[ée]chec (?:de )?(?:la )?(?:remise|distribution|livraison|l'envoi)"
    r"|impossible de remettre"
    r"|no (?:se )?(?:puede|pudo|ha podido) (?:ser )?entreg\w+|no entregado|devuelto al remitente|fallo (?:de"
    r"|en la) entrega"
    r"|mancat[oa] (?:recapito|consegna)|recapito non riuscito|impossibile recapitare|non recapitabile"
    r"|n[ãa]o (?:foi )?entregue|não é possível entregar"
    r"|falha na entrega|devolvido ao remetente|n[ãa]o p[ôo]de ser entregue"
    # Nordic, Polish, Czech, Hungarian, Turkish
    r"|k(?:unde|an) inte (?:levereras|leverera)|gick inte att leverera|olevererbart|kunne ikke leveres|ikke leveret"
    r"|ikke levert"
    r"|ei voitu toimittaa|toimitus epäonnistui|nie (?:można|mo[żz]e zosta[ćc]) (?:dostarczy[ćc]|dor[ęe]czy|dostarczona)"
    r"|niedostarczon\w+|nedoru[čc]iteln\w+|nelze doru[čc]it|kézbesíthetetlen|teslim edilemedi"
    # Russian, Chinese, Japanese, Korean
    r"|не (?:было )?доставлен\w*|недоставленн\w+|невозможно доставить|сбой доставки|не доставлено"
    r"|(?:配信|送信|配送|送達)(?:でき|に失敗|不能|失败|失敗|エラー|不可)|メッセージを配信できません"
    r"|送信できません|宛先不明|エラーメール"
    r"|無法(?:傳遞|傳送|投遞)|无法(?:传递|投递|送达)|投递失败|系统退信|退信|送達失敗|전(?:송|달)(?:할 수 없"
    r"|하지 못|에 실패| 실패)|배달 ?(?:실패|되지)",
    re.IGNORECASE,
)
DELAYED_SUBJECT = re.compile(
    r"delay(?:ed|s)?\b|warning: (?:could not|message)|still being (?:retried|tried)|will be (?:retried|tried again)"
    r"|not yet (?:been )?delivered|verz[öo]gert|retard[ée]|retrasad|ritard|atrasad|vertraagd|задержан|: warning\s*$",
    re.IGNORECASE,
)
FAILED_BODY = re.compile(
    # what the programs say
    r"delivery (?:to the following|of the following|has failed|failed|attempt\w* (?:has |have )?failed)"
    r"|undeliver(?:able|ed)"
    r"|(?:could|can|was|were|is|did|cannot) ?(?:no?'?t|not) (?:be |been )?(?:deliver|sen[dt]|accept|found"
    r"|complete|reach|relay)"
    r"|cannot be (?:delivered|sent|accepted)|unable to (?:deliver|send|relay|route)|failed to (?:deliver|send)"
    r"|not able to deliver|will not be delivered|(?:has|have|had) (?:been )?(?:not"
    r"|failed)? ?(?:been )?(?:rejected|refused|blocked|returned)"
    r"|returned (?:to (?:the )?sender|below|for the following)|did not reach|following (?:address"
    r"|recipient)\S* (?:failed|had|has)"
    r"|(?:addresses|recipients?) (?:that )?(?:had|have|with|has) (?:\w+ ){0,3}(?:errors?|problems?|failed)"
    r"|permanent (?:fatal )?(?:delivery )?(?:error|failure|problem)|this is a permanent error|i've given up|giving up"
    r"|failed (?:permanently|recipients?)|failure reasons?|transcript of session|error message below|fatal errors?"
    r"|message was not delivered|rejected by the (?:recipient|server|host)|rejected your message|undelivered"
    # what is wrong
    r"|user(?: is)? unknown|unknown (?:user|recipient|address|mailbox|local|account)|no such (?:user|recipient"
    r"|address|mailbox|domain|person)"
    r"|(?:mailbox|mail box|user|account|recipient|address)(?: \S+){0,3} (?:unavailable|disabled|inactive"
    r"|suspended|is full|full"
    r"|not found|does(?:n't| not) exist|doesn't have|over quota|has exceeded|is invalid|not valid)|mailbox full"
    r"|quota exceeded"
    r"|not listed in (?:the )?(?:\S+ )?(?:domino|directory|name)|host (?:unknown|not found)|unknown host"
    r"|domain (?:not found|unknown)"
    r"|exceed(?:s|ed)? (?:the |its |their )?(?:\w+ )?(?:quota|storage|limit|size)|(?:relay|relaying|access"
    r"|permission) denied"
    r"|invalid (?:recipient|address|user|mailbox)|address (?:rejected|not found|error)"
    r"|retry time(?:out)? (?:exceeded|not reached)"
    r"|no valid recipients|too many hops|mail loop|not a member|group you tried to contact|message expired"
    r"|(?:^|[\s:<(])(?:5\d\d[ -]#?5\.\d{1,3}\.\d{1,3}\b|55[0-4][ -])|\bsmtp; ?5\d\d|<<< 5\d\d"
    # other languages
    r"|nicht zugestellt|unzustellbar|fehler bei der nachrichtenzustellung|kan niet worden bezorgd"
    r"|niet bezorgd|zustellung .{0,60}(?:fehlgeschlagen|nicht möglich)|unbekannter? (?:empfänger"
    r"|benutzer)"
    r"|n'a pas (?:pu )?[êe]t[ré] (?:remis|distribu|livr|envoy)|[ée]chec (?:de )?(?:la )?(?:remise|distribution"
    r"|livraison)"
    r"|no (?:se )?(?:ha )?(?:pudo|podido|puede) (?:ser )?(?:entreg|enviar)|non (?:è stato|puo|può"
    r"|e' stato).{0,30}(?:recapit|consegn)"
    r"|recapito non (?:è )?riuscito|impossibile recapitare|falha na entrega|leverans misslyckades"
    r"|n[ãa]o (?:pôde|foi|pode).{0,20}entreg"
    r"|(?:kunde|gick) inte (?:att )?lever|kunne ikke lever|ei voitu toimittaa|nie (?:można|została"
    r"|mogła).{0,30}dostarcz"
    r"|не (?:может быть|был[ао]?|удалось|удаётся)?.{0,30}достав|пользователь не (?:найден|существует)"
    r"|почтовый ящик .{0,20}переполнен"
    r"|(?:送信|配信|配達|送達|お届け)(?:する(?:こと)?が)?(?:でき|出来)(?:ません|なかった|ず)|届けられません"
    r"|届けることができません|あて先不明|宛先(?:不明|が見つかりません)"
    r"|受信(?:できま|を拒否)"
    r"|无法(?:投递|送达|发送|传递)|無法(?:投遞|傳遞|傳送)|投递失败|被(?:退回|拒收)|전(?:송|달)하지 못|배달하지 못",
    re.IGNORECASE,
)
DELAYED_BODY = re.compile(
    r"(?:has|have) (?:been|not yet been) delay|warning message only|you do not need to resend|delivery .{0,40}delayed"
    r"|will (?:continue|keep) (?:trying|to try)|still be(?:ing)? (?:retried|tried)|no action is required on your part"
    r"|will be retried|could not be delivered for .{0,40}will (?:retry|continue)",
    re.IGNORECASE,
)
DAEMON = re.compile(
    r"(?:mail(?:er)?[-_.]?da?emon|microsoftexchange[0-9a-f]{8,32}|mail server at"
    r"|poo?st[-_.]?master|mail[-_. ]?(?:delivery|deliver|system|administrator|admin)"
    r"|mdaemon|bounces?"
    r"|system administrator|content-filter|interscan|mail-?delivery|delivery subsystem)\b",
    re.IGNORECASE,
)
COPIED_HEADER = re.compile(
    r"^[> \t]{0,6}(?:received:[ \t]*from|return-path:|message-id:[ \t]*<|x-mailer:|mime-version:|from:[ \t]*\S+@"
    r"|to:[ \t]*\S+@)",
    re.IGNORECASE | re.MULTILINE,
)
