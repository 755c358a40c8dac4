namespace CoExpr.IO

open System
open System.IO
open CoExpr
open CoExpr.Hdf5

/// HDF5 files in terms of results. Code inside a `read` or `write` raises CoExprFailure, which ends up as its result.
module internal H5 =

    let private without = "Matrix Market, delimited text and .npy are read without it."

    let private ofHdf5 (error: Hdf5Exception) =
        match error.Fault with
        | Hdf5Fault.CannotWrite -> CoExprError.CannotWrite(error.Path, error.Message)
        | Hdf5Fault.Unsupported -> CoExprError.UnknownFormat(error.Path, error.Message)
        | _ -> CoExprError.DamagedFile(error.Path, error.Message)

    /// Runs work on a file, and turns what the file may do wrong into an error. `fallback` makes one of a message of
    /// the operating system.
    let private guard path fallback work =
        try
            CoExprError.protect work
        with
        | :? Hdf5LibraryException as error ->
            Error(CoExprError.MissingLibrary("The HDF5 library", error.Install, without))
        | :? Hdf5Exception as error -> Error(ofHdf5 error)
        | :? FileNotFoundException
        | :? DirectoryNotFoundException -> Error(CoExprError.FileNotFound path)
        | :? UnauthorizedAccessException as error when Directory.Exists path ->
            Error(CoExprError.UnknownFormat(path, $"is a folder. {error.Message}"))
        | :? UnauthorizedAccessException as error -> Error(fallback (path, error.Message))
        | :? IOException as error -> Error(fallback (path, error.Message))

    /// Opens a file, runs work on it, and closes it.
    let read path (work: Hdf5File -> 'a) : Result<'a, CoExprError> =
        guard path CoExprError.UnknownFormat (fun () ->
            use file = Hdf5File.OpenRead path
            work file)

    /// Makes a file, runs work that fills it, and closes it; only then is everything written.
    let write path (work: Hdf5File -> unit) : Result<unit, CoExprError> =
        guard path CoExprError.CannotWrite (fun () ->
            use file = Hdf5File.Create path
            work file
            file.Close())

    /// Ends the reading: the file contradicts itself.
    let damaged path reason =
        raise (CoExprFailure(CoExprError.DamagedFile(path, reason)))

    let isGroup (group: Hdf5Group) name = group.KindOf name = Hdf5Member.Group

    let isDataset (group: Hdf5Group) name = group.KindOf name = Hdf5Member.Dataset

    let has (group: Hdf5Group) name = group.KindOf name <> Hdf5Member.None

    /// The names in a member group, none if there is no such group.
    let names (group: Hdf5Group) name =
        if isGroup group name then
            List.ofSeq (group.Group name).Names
        else
            []

    /// The dataset of this name, or an error that names the file and the dataset.
    let dataset path (group: Hdf5Group) name =
        if isDataset group name then
            group.Dataset name
        else
            damaged path $"there is no {group.Path.TrimStart '/'}/{name}."

    /// Any dataset as text; numbers as they are written, truth values as Python writes them.
    let texts (dataset: Hdf5Dataset) =
        match dataset.Type.Kind with
        | Hdf5Kind.Text -> dataset.ReadTexts()
        | Hdf5Kind.Integer -> dataset.Read<int64>() |> Array.map string
        | Hdf5Kind.Flag ->
            dataset.Read<byte>()
            |> Array.map (fun value -> if value = 0uy then "False" else "True")
        | _ ->
            dataset.Read<float>()
            |> Array.map (fun value -> value.ToString("R", Globalization.CultureInfo.InvariantCulture))

    /// A whole dataset of one axis, in pieces between which progress is told.
    let readAll<'T
        when 'T: unmanaged and 'T: (new: unit -> 'T) and 'T: struct and 'T :> ValueType and 'T :> Numerics.INumber<'T>>
        (options: ReadOptions)
        (dataset: Hdf5Dataset)
        =
        let piece = 1L <<< 24

        if dataset.Count > int64 Array.MaxLength then
            raise (CoExprFailure(CoExprError.TooLarge(dataset.Name, dataset.Count, int64 Array.MaxLength)))

        let values = GC.AllocateUninitializedArray<'T>(int dataset.Count)

        let advance =
            Progress.counter options.Progress $"reading {dataset.Name}" "values" dataset.Count

        for first in 0L .. piece .. dataset.Count - 1L do
            let length = int (min piece (dataset.Count - first))
            dataset.ReadRows(first, Memory(values, int first, length), options.Threads, options.Progress.Token)
            advance length

        values
