using FsCheck;
using FsCheck.Fluent;

namespace Coach.Abstractions.Tests.Sessions;

public sealed class SessionIdTests
{
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("ä")]
    [InlineData("a\nb")]
    public void From_NotAHandle_Throws(string value) => Assert.Throws<ArgumentException>(() => SessionId.From(value));

    [Fact]
    public void TryFrom_LengthAtTheLimit_IsAcceptedAndOneMoreIsNot()
    {
        Assert.True(SessionId.TryFrom(new string('a', SessionId.MaxLength), out _));
        Assert.False(SessionId.TryFrom(new string('a', SessionId.MaxLength + 1), out _));
    }

    [Fact]
    public void Default_IsEmptyAndEqualsOnlyItself()
    {
        Assert.True(default(SessionId).IsEmpty);
        Assert.Equal("", default(SessionId).ToString());
        Assert.NotEqual(default, SessionId.From("a"));
    }

    [Fact]
    public void Equals_AgreesWithTheHandles() => Check.QuickThrowOnFailure(Prop.ForAll<PositiveInt, PositiveInt>((a, b) =>
        (SessionId.From($"s{a.Get}") == SessionId.From($"s{b.Get}")) == (a.Get == b.Get)));
}
