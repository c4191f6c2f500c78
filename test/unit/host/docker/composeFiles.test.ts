import { describe, expect, test } from 'vitest';
import { addComposeFile, readComposeSelection, removeComposeFile } from '../../../../src/host/docker/composeFiles.js';

const file = 'docker-compose.encrypted.yaml';

describe('the selected files', () => {
  test.each([
    [['docker-compose.yaml', '.env'], '', ['docker-compose.yaml'], false],
    [['docker-compose.yml', 'docker-compose.yaml'], '', ['docker-compose.yml'], false],
    [['docker-compose.yml', 'compose.yaml', 'docker-compose.override.yaml'], '', ['compose.yaml', 'docker-compose.override.yaml'], false],
    [['docker-compose.yaml'], 'COMPOSE_FILE=a.yaml:b.yaml', ['a.yaml', 'b.yaml'], true],
    [['docker-compose.yaml'], 'COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE="a.yaml,b.yaml"', ['a.yaml', 'b.yaml'], true],
  ])('%j with %j', (fileNames, environmentText, files, isExplicit) => {
    expect(readComposeSelection({ fileNames, environmentText })).toEqual({ files, isExplicit });
  });

  test('a directory without a compose file is refused, since Compose would search above it', () => {
    expect(() => readComposeSelection({ fileNames: ['README.md'], environmentText: '' })).toThrow('none of compose.yaml');
  });
});

describe('selecting the overlay', () => {
  test('names the base by the name that it has', () => {
    const project = { fileNames: ['docker-compose.yml'], environmentText: 'A=1\n', file };
    expect(addComposeFile(project)).toBe(`A=1\nCOMPOSE_FILE=docker-compose.yml:${file}\n`);
  });

  test('keeps the automatic override file, which COMPOSE_FILE would drop', () => {
    const project = { fileNames: ['docker-compose.yaml', 'docker-compose.override.yaml'], environmentText: '', file };
    expect(addComposeFile(project)).toBe(`COMPOSE_FILE=docker-compose.yaml:docker-compose.override.yaml:${file}\n`);
  });

  test('keeps the files and the separator that are chosen already', () => {
    const project = { fileNames: ['docker-compose.yaml'], environmentText: 'COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=a.yaml,b.yaml\n', file };
    expect(addComposeFile(project)).toBe(`COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=a.yaml,b.yaml,${file}\n`);
  });

  test.each([
    [['docker-compose.yaml', 'docker-compose.override.yml'], 'A=1\n'],
    [['docker-compose.yaml'], 'COMPOSE_FILE=docker-compose.yaml:extra.yaml\n'],
    [[], 'COMPOSE_FILE=/srv/elsewhere.yaml # chosen\n'],
  ])('twice is once, and taking it out again gives what was before: %j, %j', (fileNames, environmentText) => {
    const added = addComposeFile({ fileNames, environmentText, file });
    expect(readComposeSelection({ fileNames, environmentText: added }).files.at(-1)).toBe(file);
    expect(addComposeFile({ fileNames, environmentText: added, file })).toBe(added);
    expect(removeComposeFile({ fileNames, environmentText: added, file })).toBe(environmentText);
    expect(removeComposeFile({ fileNames, environmentText, file })).toBe(environmentText);
  });
});
