using System.Security.Claims;
using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Tests.Sessions;

public sealed class ClaimsCallerResolverTests
{
    private static readonly SessionId Session = SessionId.From("s1");

    [Fact]
    public async Task ResolveAsync_NobodySignedIn_IsTheSession() =>
        Assert.Equal(new CallerContext(Session), await ResolveAsync(new ClaimsIdentity([new Claim("sub", "anna")])));

    [Theory]
    [InlineData("sub", "tid")]
    [InlineData(ClaimTypes.NameIdentifier, "tenant")]
    public async Task ResolveAsync_SignedIn_IsTheUserInTheTenant(string user, string tenant) => Assert.Equal(
        new CallerContext(Session, "anna", "acme"),
        await ResolveAsync(new ClaimsIdentity([new Claim(user, "anna"), new Claim(tenant, "acme")], "test")));

    [Fact]
    public async Task ResolveAsync_AnIdThatIsTooLong_IsNotCut() => Assert.Equal(
        new CallerContext(Session),
        await ResolveAsync(new ClaimsIdentity([new Claim("sub", new string('x', 257))], "test")));

    [Fact]
    public async Task ResolveAsync_SignedInWithoutAUser_IsTheSessionInNoTenant() => Assert.Equal(
        new CallerContext(Session),
        await ResolveAsync(new ClaimsIdentity([new Claim("tid", "acme"), new Claim("sub", " ")], "test")));

    private static ValueTask<CallerContext> ResolveAsync(ClaimsIdentity identity)
    {
        var context = new DefaultHttpContext { User = new ClaimsPrincipal(identity) };
        return new ClaimsCallerResolver().ResolveAsync(context, Session);
    }
}
