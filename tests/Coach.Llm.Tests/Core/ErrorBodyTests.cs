using System.Text;
using Coach.Llm.Core;

namespace Coach.Llm.Tests;

public sealed class ErrorBodyTests
{
    [Theory]
    [InlineData("""{"error":{"message":"no"}}""", true)]
    [InlineData("""[{"error":{"message":"no"}}]""", true)]
    [InlineData("""{"error":"no"}""", true)]
    [InlineData("""{"error":true}""", true)]
    [InlineData("""{"error":{"mess""", true)]
    [InlineData("""{"object":"error","message":"no","code":400}""", true)]
    [InlineData("""{"title":"no","error_code":"x"}""", true)]
    [InlineData("""{"error":null,"id":"x"}""", false)]
    [InlineData("""{"error":{},"id":"x"}""", false)]
    [InlineData("""{"error":[],"id":"x"}""", false)]
    [InlineData("""{"error":""}""", false)]
    [InlineData("""{"error":false}""", false)]
    [InlineData("""{"error":0}""", false)]
    [InlineData("""{"choices":[{"message":{"error":{"message":"the model's own"}}}]}""", false)]
    [InlineData("<html></html>", false)]
    [InlineData("", false)]
    public void Parse_ErrorMember_CountsWhereItSaysSomething(string body, bool expected) =>
        Assert.Equal(expected, ErrorBody.Parse(Encoding.UTF8.GetBytes(body)).HasError);

    [Fact]
    public void Parse_UnknownAndOddMembers_ArePassedOver()
    {
        ErrorBody body = ErrorBody.Parse("""
            {"new":[{"error":{"code":1}}],"error":{"new":{"code":2,"message":"x"},"code":429,"message":"slow down","status":null,"type":{"a":1}},"x":7}
            """u8);
        Assert.Equal((429, "slow down", "", ""), (body.CodeNumber, body.Message, body.Status, body.Type));
        Assert.True(body.IsComplete && body.HasDetails);
    }

    [Fact]
    public void Parse_FlatErrorOfVllm_GivesItsCode() =>
        Assert.Equal(429, ErrorBody.Parse("""{"object":"error","message":"x","type":"y","param":null,"code":429}"""u8).CodeNumber);
}
