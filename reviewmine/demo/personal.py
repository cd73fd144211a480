"""Personal data that made-up customers give away in the demo archive, for masking to find.

Nobody has them: hosts are of RFC 2606 and networks of RFC 5737 and 3849, telephones 555-01xx and Ofcom's for drama,
cards the test numbers of their schemes; account, identity number and Chinese mobile are the examples of the IBAN
registry, of GB 11643 and of China Mobile. Whoever writes a sentence lists what it gives away.
"""

from typing import Final

MAILS: Final = (
    "anna.k@example.org",
    "j.miller77@example.com",
    "the.brewer@example.net",
    "lena.berg@example.org",
    "tomasz@example.com",
    "wei.zhang@example.com",
    "li.na@example.org",
)
TELEPHONES: Final = (
    "+1 (212) 555-0147",
    "020 7946 0321",
    "+44 20 7946 0958",
    "(303) 555-0188",
    "+1-415-555-0132",
    "(415) 555-0133",
    "13800138000",
    "+86-138-0013-8000",
)
ACCOUNTS: Final = (
    "4111 1111 1111 1111",
    "5500 0055 5555 5559",
    "6200000000000005",
    "DE89 3704 0044 0532 0130 00",
    "11010519491231002X",
)
NETWORK_HOSTS: Final = (
    "192.0.2.44",
    "198.51.100.7",
    "203.0.113.9",
    "2001:db8:85a3:8d3:1319:8a2e:370:7348",
)
SECRET_LINKS: Final = (
    "https://shop.example.com/orders/48213?token=q7Rk2mVx9TbN4cWz",
    "https://billing.example.net/invoice?id=5521&key=Zt81mQp0Xy47",
    "https://shop.example.com/orders/90175?token=Hd83kLq2Pw6s",
)
PERSONAL_DATA: Final = MAILS + TELEPHONES + ACCOUNTS + NETWORK_HOSTS + SECRET_LINKS
"""All that the sentences below give away; slips and shouting may change how it is typed in the first ones."""

TYPED: Final = (
    "{Please|Could somebody} {write|reply} to {anna.k@example.org|j.miller77@example.com|the.brewer@example.net}.",
    "{Call me|You can reach me} {on|at} {+1 (212) 555-0147|020 7946 0321|+44 20 7946 0958}{ after six|}.",
    "{They charged my card 4111 1111 1111 1111 twice|Paid with 4111 1111 1111 1111, still no invoice}.",
    "{The router log says|It keeps asking for} {192.0.2.44|198.51.100.7}{ all night|}.",
    "My mail is {lena.berg@example.org|tomasz@example.com}, {phone|tel.} {(303) 555-0188|+1-415-555-0132}.",
)
"""Sentences within a review, typed as carelessly as the rest of it."""

PASTED: Final = (
    "My order is at https://shop.example.com/orders/48213?token=q7Rk2mVx9TbN4cWz if anybody {cares|wants to look}.",
    "{Still waiting|I wait} for https://billing.example.net/invoice?id=5521&key=Zt81mQp0Xy47 to be {paid|corrected}.",
    "{Give me my money back|They never paid it back} on 5500 0055 5555 5559{ please|}.",
    "{Refund it|Send the money} to DE89 3704 0044 0532 0130 00{, thank you|}.",
    "{Ring|Text} me on (415) 555-0133 or write to wei.zhang@example.com{ if you have the same trouble|}.",
    "It {talks|connects} to 203.0.113.9 and 2001:db8:85a3:8d3:1319:8a2e:370:7348{ all day|, whoever that is}.",
)
PASTED_IN_CHINESE: Final = (
    "有问题请打{13800138000|+86-138-0013-8000}。",
    "{发邮件到|请联系}li.na@example.org{，谢谢|}。",
    "身份证11010519491231002X都发给客服了{，还是不给退|}。",
    "订单在这里：https://shop.example.com/orders/90175?token=Hd83kLq2Pw6s，{三周没到|一直没发货}。",
    "退款到卡6200000000000005，{一直没到账|还没收到}。",
)
"""Sentences at the end of a review, letter for letter, as if they were pasted."""
