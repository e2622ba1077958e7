using System.Text;

namespace Coach.Configuration.Yaml.Tests.Reading;

public sealed class CoachYamlTests
{
    private static readonly Dictionary<string, string> Variables = new(StringComparer.Ordinal)
    {
        ["NAME"] = "value",
        ["EMPTY"] = "",
        ["TRICKY"] = "a: b # c\n- ${NAME}",
        ["JSON"] = """["x", "y,z", 3]""",
        ["COMMAS"] = "x, y",
        ["BRACKETS"] = "[not json",
    };

    [Fact]
    public void Read_MappingsListsAndScalars_AreKeysWithLines()
    {
        const string text = """
            llm:
              model: m
              stops: [a, 'b']
              limits:
                - 1
                - two: 2
            nothing:
            tilde: ~
            quoted: "~"
            empty: {}
            """;
        Assert.Equal(
            ["llm:model=m@2", "llm:stops:0=a@3", "llm:stops:1=b@3", "llm:limits:0=1@5", "llm:limits:1:two=2@6",
                "nothing=null@7", "tilde=null@8", "quoted=~@9", "empty=null@10"],
            Read(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment ${UNSET}\n")]
    [InlineData("---\n")]
    [InlineData("---\n...\n")]
    [InlineData("~")]
    public void Read_NothingInIt_HasNoKeys(string text) => Assert.Empty(Read(text));

    [Theory]
    [InlineData("k: ${NAME}", "k=value")]
    [InlineData("k: '${NAME}'", "k=value")]
    [InlineData("k: \"${NAME}\"", "k=value")]
    [InlineData("k: a-${NAME}-b${NAME}", "k=a-value-bvalue")]
    [InlineData("k: ${EMPTY}", "k=")]
    [InlineData("k: ${EMPTY:-d}", "k=d")]
    [InlineData("k: ${UNSET:-d}", "k=d")]
    [InlineData("k: ${UNSET:-}", "k=null")]
    [InlineData("k: '${UNSET:-}'", "k=")]
    [InlineData("k: ${UNSET:-30}", "k=30")]
    [InlineData("k: ${UNSET:-a: b # c}", "k=a: b # c")]
    [InlineData("k: ${UNSET:-${NAME}}", "k=value")]
    [InlineData("k: ${UNSET:-${ALSO:-x}y}", "k=xy")]
    [InlineData("k: ${UNSET:-{a}}", "k={a}")]
    [InlineData("k: ${UNSET:-\"quoted\"}", "k=quoted")]
    [InlineData("k: [${NAME}, ${UNSET:-b}]", "k:0=value;k:1=b")]
    [InlineData("k: {a: ${NAME}, b: ${UNSET:-c,d}}", "k:a=value;k:b=c,d")]
    [InlineData("${NAME}: v", "value=v")]
    [InlineData("k: $${NAME}", "k=${NAME}")]
    [InlineData("k: $NAME", "k=$NAME")]
    [InlineData("k: |\n  a ${NAME}\n  b", "k=a value\nb")]
    public void Read_Variables_AreTheirValues(string text, string expected) =>
        Assert.Equal(expected, string.Join(';', Read(text).Select(entry => entry[..entry.LastIndexOf('@')])));

    [Fact]
    public void Read_AValueWithYamlInIt_ChangesNoStructureAndIsNotExpanded() =>
        Assert.Equal(["k=a: b # c\n- ${NAME}@1", "l=1@2"], Read("k: ${TRICKY}\nl: 1"));

    [Theory]
    [InlineData("k: ${UNSET:-[a, 'b, c']}", "a;b, c")]
    [InlineData("k: ${UNSET:-[http://localhost:3000, http://[::1]:8080]}", "!")]
    [InlineData("k: ${UNSET:-[\"http://localhost:3000\"]}", "http://localhost:3000")]
    [InlineData("k: ${JSON:-[a]}", "x;y,z;3")]
    [InlineData("k: ${COMMAS:-[a]}", "x;y")]
    [InlineData("k: ${NAME:-[a]}", "value")]
    [InlineData("k: ${JSON}", "x;y,z;3")]
    [InlineData("k: ${BRACKETS:-[a]}", "[not json")]
    public void Read_AVariableWithAListAsDefault_IsAList(string text, string expected)
    {
        if (expected == "!")
        {
            Assert.Throws<YamlConfigurationException>(() => Read(text));
            return;
        }

        string[] items = expected.Split(';');
        Assert.Equal(items.Select((item, i) => $"k:{i}={item}@1"), Read(text));
    }

    [Fact]
    public void Read_AQuotedVariable_IsNeverAList() =>
        Assert.Equal(["""k=["x", "y,z", 3]@1"""], Read("k: \"${JSON}\""));

    [Theory]
    [InlineData("a: 1\nk: ${UNSET}", 2, "the variable UNSET is not set. Set it, or give a default: ${UNSET:-default}.")]
    [InlineData("k: ${UNSET:-${ALSO}}", 1, "the variable ALSO is not set. Set it, or give a default: ${ALSO:-default}.")]
    [InlineData("k: ${}", 1, "a variable must be written ${NAME}")]
    [InlineData("k: ${1A}", 1, "a variable must be written ${NAME}")]
    [InlineData("k: ${A-b}", 1, "a variable must be written ${NAME}")]
    [InlineData("k: ${A:?b}", 1, "a variable must be written ${NAME}")]
    [InlineData("a:\n  - k: '${A'", 2, "a ${ is not closed on its line")]
    [InlineData("k: ${A:-${B:-${C:-${D:-${E:-${F:-x}}}}}}", 1, "defaults hold variables more than 4 deep")]
    [InlineData("a: 1\nb: 2\nA: 3", 3, "the key 'A' stands on line 1 already (case does not count). Keep one of them.")]
    [InlineData("x: {a: 1, a: 2}", 1, "the key 'a' stands on line 1 already")]
    [InlineData("x:\n  y: 1\nx:y: 2", 3, "the key 'x:y' stands on line 2 already, written in another way")]
    [InlineData("a: 1\n---\nb: 2", 2, "a second document begins. Keep one document in a file.")]
    [InlineData("a:\n\tb: 1", 2, "a tab indents this line. Indent with spaces.")]
    [InlineData("a: [1, 2", 1, "this is not YAML")]
    [InlineData("a: 'x", 1, "this is not YAML")]
    [InlineData("a: b: c", 1, "this is not YAML")]
    [InlineData("- a\n- b", 1, "the file must begin with a mapping")]
    [InlineData("word", 1, "the file must begin with a mapping")]
    [InlineData("a: !secret x", 1, "tags other than YAML's own mean nothing here")]
    [InlineData("a: !!binary eA==", 1, "tags other than YAML's own mean nothing here")]
    [InlineData("a: *b", 1, "this alias has no anchor above it")]
    [InlineData("a: &b\n  c: *b", 2, "this alias stands inside of what it repeats")]
    [InlineData("a: &x 1\nb: &x 2", 2, "this anchor's name is taken")]
    [InlineData("? [a, b]\n: 1", 1, "a key must be a plain text")]
    [InlineData("&k a: 1", 1, "a key cannot have an anchor")]
    [InlineData("'': 1", 1, "a key must have 1 to 256 characters")]
    [InlineData("<<: 1", 1, "'<<' takes a mapping, or a list of mappings")]
    [InlineData("a: \u0001", 1, "a control character stands in the text")]
    [InlineData("a: 1\nb: \uE100", 2, "the characters U+E100 and U+E101 have no place")]
    public void Read_WhatCannotBeUsed_NamesFileLineAndWhatToChange(string text, int line, string reason)
    {
        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(() => Read(text));
        Assert.Equal("f.yaml", exception.File);
        Assert.StartsWith(reason, exception.Reason, StringComparison.Ordinal);
        Assert.Equal($"f.yaml:{line}: {exception.Reason}", exception.Message);
        Assert.Equal((line, "ERR_REQUEST_INVALID", false), (exception.Line, exception.Code, exception.IsTransient));
    }

    [Fact]
    public void Read_Errors_RepeatNoValue()
    {
        string[] texts =
        [
            "k: ${BRACKETS:-[sk-canary]}x: [", "password: 'sk-canary", "password: [sk-canary", "password: sk-canary: x",
            "a: ${UNSET:-[sk-canary, {b: c}]}", "sk-canary",
        ];
        foreach (string text in texts)
        {
            YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(() => Read(text));
            Assert.DoesNotContain("sk-canary", exception.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Read_AnchorsAliasesAndMerges_AreWrittenOut() => Assert.Equal(
        ["base:b=2@1", "base:a=1@1", "own:a=9@2", "own:b=2@1", "list:0=1@1", "both:b=2@1", "both:a=1@1", "both:c=3@4"],
        Read("base: &base {b: 2, a: &one 1}\nown: {<<: *base, a: 9}\nlist: [*one]\nboth: {<<: [*base, {a: 5, c: 3}]}"));

    [Fact]
    public void Read_AliasesThatMultiply_EndAtTheLimitOfValues()
    {
        var text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 20; i++)
        {
            text.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        }

        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(() => Read(text.ToString()));
        Assert.Equal("the file holds more than 10,000 values. Split it, or raise MaxValues.", exception.Reason);
    }

    [Fact]
    public void Read_AtTheLimits_IsReadAndOneMoreIsNot()
    {
        var options = new CoachYamlOptions { MaxBytes = 12, MaxDepth = 3, MaxValues = 3, Variables = _ => null };
        Assert.Single(CoachYaml.Read("a: [[1]]", "f", options));
        Assert.Equal("values stand more than 3 deep in each other. Flatten them, or raise MaxDepth.", Reason("a: [[[]]]"));
        Assert.Equal(3, CoachYaml.Read("a: [1,2,3]", "f", options).Count);
        Assert.Equal("the file holds more than 3 values. Split it, or raise MaxValues.", Reason("a: [1,2,3,4]"));
        Assert.Equal("the file has 13 bytes; at most 12 are read. Split it, or raise MaxBytes.", Reason("a: 1234567890"));

        string Reason(string text) =>
            Assert.Throws<YamlConfigurationException>(() => CoachYaml.Read(text, "f", options)).Reason;
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{")]
    [InlineData("a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    [InlineData("${")]
    [InlineData("${A:-")]
    [InlineData("$${")]
    [InlineData("&a ")]
    [InlineData("\"\\")]
    [InlineData("}")]
    [InlineData("a\n")]
    public void Read_OnePieceOverAndOver_EndsInTheTypedError(string piece)
    {
        string text = string.Concat(Enumerable.Repeat(piece, 100_000 / piece.Length));
        Assert.Throws<YamlConfigurationException>(() => Read(text));
    }

    [Fact]
    public void Read_RandomBytes_EndInKeysOrTheTypedError()
    {
        const int seed = 19;
        var random = new Random(seed);
        string[] pieces = ["a", ": ", "\n", "  ", "- ", "[", "]", "{", "}", "\"", "'", "#", "&x ", "*x", "<<", "${NAME}", "${U:-",
            "|", ">", "!", "%", "@", "\t", "---", "?", ",", "\\", "\u00e9", "\ud83d\ude00", "~", "1"];
        for (int run = 0; run < 3_000; run++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => pieces[random.Next(pieces.Length)]));
            Exception? thrown = Record.Exception(() => Read(text));
            Assert.True(thrown is null or YamlConfigurationException, $"seed {seed}, run {run}: {text} gave {thrown}");
        }
    }

    [Fact]
    public void Options_OutOfRange_AreRefused()
    {
        CoachYamlOptions[] wrong =
        [
            new() { MaxBytes = 0 }, new() { MaxDepth = 65 }, new() { MaxValues = 0 },
            new() { PollInterval = TimeSpan.FromMilliseconds(99) },
        ];
        Assert.All(wrong, options =>
            Assert.Throws<ArgumentOutOfRangeException>(() => CoachYaml.Read("a: 1", "f", options)));
    }

    private static string[] Read(string text)
    {
        var options = new CoachYamlOptions { Variables = name => Variables.GetValueOrDefault(name) };
        return [.. CoachYaml.Read(text, "f.yaml", options).Select(
            entry => $"{entry.Key}={entry.Value ?? "null"}@{entry.Line}")];
    }
}
