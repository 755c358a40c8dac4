using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Linq;
using System.Numerics;

namespace CoExpr.Cli;

/// <summary>Options by what they take, each with a message of its own for what it does not take.</summary>
static class OptionKind
{
    /// <summary>Takes nothing after it, so that "--signed false" is no way to say --unsigned.</summary>
    internal static Option<bool> Flag(string name, string description, params string[] aliases) =>
        new(name, aliases) { Description = description, Arity = ArgumentArity.Zero };

    /// <summary>A number that has a standard value.</summary>
    internal static Option<T> Number<T>(string name, string description, T standard)
        where T : struct, INumber<T>, IMinMaxValue<T> =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => standard,
            CustomParser = result => Parse<T>(name, result),
        };

    /// <summary>A number that may be left out.</summary>
    internal static Option<T?> OptionalNumber<T>(string name, string description, string helpName)
        where T : struct, INumber<T>, IMinMaxValue<T> =>
        new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = result => Parse<T>(name, result),
        };

    /// <summary>One of a few words; the first is the standard.</summary>
    internal static Option<string> OneOf(string name, string description, params string[] words)
    {
        var option = new Option<string>(name)
        {
            Description = description,
            HelpName = string.Join('|', words),
            DefaultValueFactory = _ => words[0],
        };
        Limit(option, words);
        return option;
    }

    /// <summary>Lets an option take these words only.</summary>
    internal static void Limit(Option option, string[] words)
    {
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !words.Contains(token.Value)))
                result.AddError($"{option.Name} {token.Value}: must be {string.Join(" or ", words)}.");
        });
    }

    /// <summary>Whether the user gave it.</summary>
    internal static bool Given(this SymbolResult result, Option option) =>
        result.GetResult(option) is { Implicit: false };

    // No separators of thousands: 0,5 would pass for 5.
    static T Parse<T>(string name, ArgumentResult result)
        where T : struct, INumber<T>, IMinMaxValue<T>
    {
        var isWhole = T.IsInteger(T.One / (T.One + T.One));
        var style = isWhole ? NumberStyles.AllowLeadingSign : NumberStyles.Float;
        var text = result.Tokens.Single().Value;
        if (T.TryParse(text, style, CultureInfo.InvariantCulture, out var number))
            return number;
        var needed = isWhole
            ? string.Create(CultureInfo.InvariantCulture, $"a whole number of at most {T.MaxValue} is needed")
            : "a number such as 0.5 is needed";
        result.AddError($"{name} {text}: {needed}.");
        return default;
    }
}
