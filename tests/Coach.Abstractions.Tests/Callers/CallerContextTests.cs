namespace Coach.Abstractions.Tests;

public sealed class CallerContextTests
{
    private static readonly SessionId Session = SessionId.From("s1");
    private static readonly SessionId Other = SessionId.From("s2");

    [Fact]
    public void Key_WithoutAUser_IsTheSession()
    {
        Assert.Equal(new CallerContext(Session).Key, new CallerContext(Session).Key);
        Assert.NotEqual(new CallerContext(Session).Key, new CallerContext(Other).Key);
    }

    [Fact]
    public void Key_OfAUser_IsTheSameInEverySession() =>
        Assert.Equal(new CallerContext(Session, "anna", "acme").Key, new CallerContext(Other, "anna", "acme").Key);

    [Fact]
    public void Key_OfDifferentCallers_IsNeverShared()
    {
        string?[] tenants = [null, "a", "ab", "1:a", "-:", "a:b"];
        string?[] users = [null, "b", "s1", ":b", "b:", "a:b", "s:-:s1"];
        CallerContext[] callers = [.. tenants.SelectMany(tenant => users.Select(user => new CallerContext(Session, user, tenant)))];
        Assert.Equal(callers.Length, callers.Select(caller => caller.Key).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Equals_ComparesAllThree()
    {
        Assert.Equal(new CallerContext(Session, "u", "t"), new CallerContext(Session, "u", "t"));
        Assert.Equal(new CallerContext(Session, "u", "t").GetHashCode(), new CallerContext(Session, "u", "t").GetHashCode());
        Assert.NotEqual(new CallerContext(Session, "u", "t"), new CallerContext(Other, "u", "t"));
        Assert.NotEqual(new CallerContext(Session, "u", "t"), new CallerContext(Session, "u"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void Constructor_BlankId_IsRefused(string id)
    {
        Assert.Throws<ArgumentException>(() => new CallerContext(Session, userId: id));
        Assert.Throws<ArgumentException>(() => new CallerContext(Session, tenantId: id));
    }

    [Fact]
    public void Constructor_AtTheLimits()
    {
        Assert.Throws<ArgumentException>(() => new CallerContext(default));
        Assert.Equal(CallerContext.MaxIdLength, new CallerContext(Session, new string('u', CallerContext.MaxIdLength)).UserId!.Length);
        Assert.Throws<ArgumentException>(() => new CallerContext(Session, new string('u', CallerContext.MaxIdLength + 1)));
    }
}
