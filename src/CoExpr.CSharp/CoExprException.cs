using System;
using Microsoft.FSharp.Core;

namespace CoExpr.CSharp;

/// <summary>What kind of thing is wrong with data, a file or an option.</summary>
public enum CoExprErrorKind
{
    /// <summary>Nothing is at the path.</summary>
    FileNotFound,

    /// <summary>The file is whole, but not of a kind that is read.</summary>
    UnknownFormat,

    /// <summary>The file is cut short, or contradicts itself.</summary>
    DamagedFile,

    /// <summary>A matrix, layer or column that was asked for is not in the file.</summary>
    MissingPart,

    /// <summary>A value that the method is not defined for.</summary>
    BadValue,

    /// <summary>Two things that must be equally long are not.</summary>
    UnequalLengths,

    /// <summary>A name that must be unique stands at two places.</summary>
    DuplicateName,

    /// <summary>A label that was asked for is not among the known ones.</summary>
    UnknownLabel,

    /// <summary>Two sets of names that must be the same are not.</summary>
    DifferentNames,

    /// <summary>Fewer things are left than the method needs.</summary>
    TooFew,

    /// <summary>More than fits.</summary>
    TooLarge,

    /// <summary>An option outside its range.</summary>
    BadOption,

    /// <summary>The output cannot be written.</summary>
    CannotWrite,

    /// <summary>A native library is absent.</summary>
    MissingLibrary,
}

/// <summary>Bad data, a bad file or a bad option. The message names the file, gene or cell, and says what to do.</summary>
public sealed class CoExprException : Exception
{
    CoExprException(CoExprErrorKind kind, string message)
        : base(message) => Kind = kind;

    /// <summary>What kind of thing is wrong.</summary>
    public CoExprErrorKind Kind { get; }

    internal static CoExprException Of(CoExprError error) => new(KindOf(error), CoExprErrorModule.describe(error));

    /// <summary>An option outside its range.</summary>
    /// <param name="option">Its name.</param>
    /// <param name="value">What was given.</param>
    /// <param name="allowed">What it takes.</param>
    public static CoExprException BadOption(string option, string value, string allowed) =>
        Of(CoExprError.NewBadOption(option, value, allowed));

    internal static T Unwrap<T>(FSharpResult<T, CoExprError> result) =>
        result.IsOk ? result.ResultValue : throw Of(result.ErrorValue);

    static CoExprErrorKind KindOf(CoExprError error) =>
        error switch
        {
            CoExprError.FileNotFound => CoExprErrorKind.FileNotFound,
            CoExprError.UnknownFormat => CoExprErrorKind.UnknownFormat,
            CoExprError.DamagedFile => CoExprErrorKind.DamagedFile,
            CoExprError.MissingPart => CoExprErrorKind.MissingPart,
            CoExprError.BadValue => CoExprErrorKind.BadValue,
            CoExprError.UnequalLengths => CoExprErrorKind.UnequalLengths,
            CoExprError.DuplicateName => CoExprErrorKind.DuplicateName,
            CoExprError.UnknownLabel => CoExprErrorKind.UnknownLabel,
            CoExprError.DifferentNames => CoExprErrorKind.DifferentNames,
            CoExprError.TooFew => CoExprErrorKind.TooFew,
            CoExprError.TooLarge => CoExprErrorKind.TooLarge,
            CoExprError.BadOption => CoExprErrorKind.BadOption,
            CoExprError.CannotWrite => CoExprErrorKind.CannotWrite,
            CoExprError.MissingLibrary => CoExprErrorKind.MissingLibrary,
            _ => throw new ArgumentOutOfRangeException(nameof(error)),
        };
}
