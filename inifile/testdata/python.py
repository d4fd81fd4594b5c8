# Answers batches of questions about Python's own behaviour: each line is a JSON
# list of questions, each answer a JSON list as long.
import configparser, fnmatch, io, json, shlex, sys

WORD_EXTRA = '/.+-():'


def read(names, contents):
    parser = configparser.RawConfigParser(inline_comment_prefixes=(';', '#'), strict=False)
    for name, content in zip(names, contents):
        data = io.BytesIO(content.encode('latin-1'))
        parser.read_file(io.TextIOWrapper(data, encoding='utf-8'), name)
    sections = [[s, list(parser._sections[s].items())] for s in parser.sections()]
    return [['DEFAULT', list(parser.defaults().items())]] + sections


def environment(text):
    lexer = shlex.shlex(text, posix=True)
    lexer.wordchars += WORD_EXTRA
    return list(lexer)


ASK = {
    'read': read,
    'expand': lambda form, names: form % names,
    'split': lambda text: shlex.split(text),
    'environment': environment,
    'match': lambda pattern, names: fnmatch.filter(names, pattern),
    'int': lambda text, base: str(int(text, base)),
    'repr': lambda text: [repr(text), ascii(text)],
    'strip': lambda text: [text.strip(), text.lower()],
}


def answer(question):
    try:
        return {'value': ASK[question[0]](*question[1:])}
    except KeyError as e:
        return {'error': 'KeyError', 'name': e.args[0]}
    except Exception as e:
        return {'error': str(e)}


print(json.dumps(list(sys.version_info[:2])), flush=True)
for line in sys.stdin:
    print(json.dumps([answer(q) for q in json.loads(line)]), flush=True)
