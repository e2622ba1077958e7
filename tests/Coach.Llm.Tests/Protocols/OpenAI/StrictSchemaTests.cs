using System.Text.Json;
using Coach.Llm.Protocols.OpenAI;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class StrictSchemaTests
{
    [Theory]
    [InlineData(
        """{"type":"object","properties":{"a":{"type":["string","null"]},"b":{"type":"array","items":{"type":"object","properties":{"c":{"enum":[1]}}}}},"required":["a"]}""",
        """{"type":"object","properties":{"a":{"type":["string","null"]},"b":{"type":"array","items":{"type":"object","properties":{"c":{"enum":[1]}},"additionalProperties":false,"required":["c"]}}},"required":["a","b"],"additionalProperties":false}""")]
    [InlineData(
        """{"type":"object","properties":{"a":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#"}}}}}""",
        """{"type":"object","properties":{"a":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false,"required":["next"]}},"additionalProperties":false,"required":["a"]}""")]
    public void Close_ObjectsWithKnownNames_AreClosedAtEveryDepth(string schema, string expected) =>
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), StrictSchema.Close(JsonElement.Parse(schema))!.Value));

    [Theory]
    [InlineData("true")]
    [InlineData("{}")]
    [InlineData("""{"type":"array","items":{"type":"string"}}""")]
    [InlineData("""{"type":"object"}""")]
    [InlineData("""{"type":"object","properties":{}}""")]
    [InlineData("""{"type":["object","null"],"properties":{"a":{"type":"string"}}}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":true}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}}}}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","default":"x"}}}""")]
    [InlineData("""{"type":"object","properties":{"a":{"oneOf":[{"type":"string"}]}}}""")]
    [InlineData("""{"type":"object","properties":{"a":{"description":"anything"}}}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array"}}}""")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#","description":"x"}}}""")]
    [InlineData("""{"type":"object","properties":{"a":true}}""")]
    [InlineData("""{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}}}]}""")]
    public void Close_WhatCannotBeStrict_IsLeft(string schema) => Assert.Null(StrictSchema.Close(JsonElement.Parse(schema)));

    [Fact]
    public void Close_DeeperThanAnyoneNests_IsLeft()
    {
        string schema = string.Concat(Enumerable.Repeat("""{"type":"array","items":""", 60)) + """{"type":"string"}""" + new string('}', 60);
        Assert.NotNull(StrictSchema.Close(Wrapped(schema)));
        Assert.Null(StrictSchema.Close(Wrapped("{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":" + schema + "}}}}")));

        static JsonElement Wrapped(string schema) => JsonElement.Parse(
            "{\"type\":\"object\",\"properties\":{\"a\":" + schema + "}}", new JsonDocumentOptions { MaxDepth = 256 });
    }

    [Fact]
    public void Close_SchemaOfAType_IsStrict() =>
        Assert.NotNull(StrictSchema.Close(((ChatResponseFormatJson)ChatResponseFormat.ForJsonSchema<Opening>()).Schema!.Value));

    private sealed record Opening(string Place, int Hour, List<string> Notes);
}
